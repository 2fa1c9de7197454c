// Trying a product: a house pose or a photo of one's own becomes a picture with its verdict, as a shopper would get it.
import type { App } from "./app";
import { enlarge } from "./dialogs";
import { button, make } from "./dom";
import { fileProblem } from "./draft";
import { dropZone } from "./drop";
import { figures } from "./figures";
import { type Product, type Render, ServiceError } from "./service";
import { named, plain, t } from "./texts";
import { mark, reasonList } from "./words";

/** Pixels of width of the photo beside the picture. */
const WIDTH = 900;
const SIGN = { accepted: "good", doubtful: "fair", refused: "poor" } as const;

export function trial(app: App, left: AbortSignal, product: Product): HTMLElement {
  return new Trial(app, left, product).body;
}

class Trial {
  readonly body: HTMLElement;
  readonly #app: App;
  readonly #left: AbortSignal;
  readonly #product: Product;
  readonly #poses = make("div", { class: "poses" });
  readonly #result = make("div", { class: "result" });
  readonly #status = make("p", { class: "hidden", role: "status" });
  readonly #progress = make("progress", { "aria-label": t("trial.making") });
  #running = new AbortController();

  constructor(app: App, left: AbortSignal, product: Product) {
    [this.#app, this.#left, this.#product] = [app, left, product];
    const own = dropZone({ many: false, choose: t("trial.choose"), take: ([file]) => file && this.#own(file) });
    const side = make(
      "div",
      { class: "choices" },
      make("div", {}, make("h3", {}, t("trial.poses")), this.#poses),
      make("div", {}, make("h3", {}, t("trial.own")), own, make("small", {}, t("trial.own.note"))),
    );
    this.#result.append(make("p", { class: "idle" }, t("trial.idle")));
    const head = make("div", { class: "head" }, make("h2", {}, t("trial.title")));
    this.body = make(
      "section",
      {},
      head,
      make("p", { class: "legend" }, t("trial.lead")),
      make("div", { class: "trial" }, side, this.#result),
      this.#status,
    );
    left.addEventListener("abort", () => this.#running.abort());
    void this.#listPoses();
  }

  async #listPoses(): Promise<void> {
    try {
      const names = await this.#app.service.poses(this.#left);
      const chosen = (name: string) => () => void this.#try(name, name);
      this.#poses.replaceChildren(
        ...names.map((name) => button(poseName(name), chosen(name), { "data-pose": name, "aria-pressed": "false" })),
      );
    } catch (error) {
      if (!this.#left.aborted) this.#poses.replaceChildren(make("p", { role: "alert" }, this.#app.wordsOf(error)));
    }
  }

  #own(file: File): void {
    const problem = fileProblem(file);
    if (problem) this.#show("", make("p", { class: "problem", role: "alert" }, problem));
    else void this.#try(file, "");
  }

  /** pressed: the name of the house pose, empty for a photo. */
  async #try(pose: string | File, pressed: string): Promise<void> {
    this.#running.abort();
    const running = new AbortController();
    this.#running = running;
    this.#press(pressed);
    this.#result.setAttribute("aria-busy", "true");
    this.#result.append(this.#progress);
    this.#status.textContent = t("trial.making");
    try {
      const render = await this.#app.service.render(this.#product.id, pose, running.signal);
      this.#made(render, pose);
    } catch (error) {
      if (!running.signal.aborted) this.#failed(error, typeof pose !== "string");
    } finally {
      if (this.#running === running) {
        this.#result.removeAttribute("aria-busy");
        this.#progress.remove();
      }
    }
  }

  #press(name: string): void {
    for (const one of this.#poses.querySelectorAll("button"))
      one.setAttribute("aria-pressed", String(one.dataset.pose === name));
  }

  #made({ image, content_type: type, width, height, report }: Render, pose: string | File): void {
    const own = typeof pose !== "string";
    const words = typeof pose === "string" ? poseName(pose) : t("trial.ownpose");
    const alt = t("trial.after.alt", { id: this.#product.id, pose: words });
    const after = make("img", { src: `data:${type};base64,${image}`, width, height, alt });
    const used = report.product_used ?? 0;
    const label = make("small", {}, t("trial.label"));
    const pair = make(
      "div",
      { class: "pair" },
      this.#before(used),
      figure(t(own ? "trial.after.own" : "trial.after"), after, label),
    );
    const several =
      this.#product.photos.length > 1 && make("p", {}, make("small", {}, t("trial.used", { n: used + 1 })));
    const why = report.reasons.length > 0 && [
      make("h3", {}, t("trial.why")),
      reasonList(report.reasons, own, this.#product.photos.length),
    ];
    const account = make(
      "div",
      { class: "account" },
      ...verdict(report.verdict),
      ...(why || []),
      several,
      figures(report.scores),
    );
    this.#show(t(`trial.${report.verdict}`), pair, account);
  }

  #failed(error: unknown, own: boolean): void {
    if (!(error instanceof ServiceError) || error.reasons.length === 0) {
      this.#show("", make("p", { class: "problem", role: "alert" }, this.#app.wordsOf(error)));
      return;
    }
    const first = this.#product.photos.findIndex(({ reasons }) => reasons.length === 0);
    const nothing = make("p", { class: "nothing" }, t("trial.nopicture"));
    const pair = make(
      "div",
      { class: "pair" },
      this.#before(Math.max(first, 0)),
      make("figure", {}, make("figcaption", {}, t("trial.after")), nothing),
    );
    const reasons = reasonList(error.reasons, own, this.#product.photos.length);
    const account = make("div", { class: "account" }, ...verdict("refused"), make("h3", {}, t("trial.why")), reasons);
    this.#show(t("trial.refused"), pair, account);
  }

  /** The photo that a picture was made of. index: counted from 0. */
  #before(index: number): HTMLElement {
    const photo = this.#product.photos[index];
    const alt = t("photos.alt.photo", { n: index + 1, id: this.#product.id });
    const picture = make("img", { width: photo?.width, height: photo?.height, alt, class: "waiting" });
    const load = () => this.#app.service.photo(this.#product.id, index, WIDTH);
    this.#app.pictures
      .get(`${photo?.sha256} ${WIDTH}`, load, this.#left)
      .then((url) => (picture.src = url))
      .catch(() => undefined) // its place stays empty; the picture beside it is what counts
      .finally(() => picture.classList.remove("waiting"));
    return figure(t("trial.before"), picture);
  }

  #show(status: string, ...parts: HTMLElement[]): void {
    this.#status.textContent = status;
    this.#result.replaceChildren(...parts);
  }
}

function figure(words: string, picture: HTMLImageElement, label?: HTMLElement): HTMLElement {
  const large = button("", () => picture.src && enlarge(picture.src, picture.alt), {
    class: "frame",
    "aria-label": `${words}: ${t("photos.enlarge.do")}`,
  });
  large.append(picture);
  return make("figure", {}, make("figcaption", {}, words), large, label);
}

function verdict(name: "accepted" | "doubtful" | "refused"): HTMLElement[] {
  return [
    make("p", { class: "verdict" }, mark(SIGN[name], t(`trial.${name}`))),
    make("p", {}, t(`trial.${name}.note`)),
  ];
}

function poseName(name: string): string {
  return named("pose", name) ?? plain(name);
}
