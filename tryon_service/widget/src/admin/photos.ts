// Every photo of a product large, as it is or with what is found in it, and whether it can be used.
import type { App } from "./app";
import { enlarge } from "./dialogs";
import { button, make, newId } from "./dom";
import { whenNear } from "./pictures";
import type { Overlay, Product, StoredPhoto } from "./service";
import { fileSize, type Key, t } from "./texts";
import { photoMark, reasonList } from "./words";

type Shown = "photo" | Overlay;
const KINDS: readonly Shown[] = ["photo", "pose", "parsing", "layers"];
/** Pixels of width of a photo, also when it is enlarged. */
const WIDTH = 1200;

export function photos(app: App, left: AbortSignal, product: Product): HTMLElement {
  const figures = product.photos.map((_, index) => new Figure(app, left, product, index));
  const note = make("p", { class: "legend", role: "status" });
  const show = (kind: Shown) => {
    note.textContent = t(`photos.${kind}.note` satisfies Key);
    for (const figure of figures) figure.show(kind);
  };
  const name = newId("kind");
  const choices = KINDS.map((kind) => {
    const radio = make("input", {
      type: "radio",
      name,
      value: kind,
      checked: kind === "photo",
      onchange: () => show(kind),
    });
    return make("label", {}, radio, make("span", {}, t(`photos.${kind}` satisfies Key)));
  });
  const chooser = make(
    "fieldset",
    { class: "segments" },
    make("legend", { class: "hidden" }, t("photos.show")),
    ...choices,
  );
  show("photo");
  const all = make(
    "ul",
    { class: `photos of${Math.min(product.photos.length, 3)}` },
    ...figures.map(({ body }) => body),
  );
  return make("section", {}, make("div", { class: "head" }, make("h2", {}, t("photos.title")), chooser), note, all);
}

class Figure {
  readonly body: HTMLElement;
  readonly #app: App;
  readonly #left: AbortSignal;
  readonly #id: string;
  readonly #index: number;
  readonly #photo: StoredPhoto;
  readonly #picture: HTMLImageElement;
  readonly #words = make("p", { class: "over", role: "status" });
  #shown: Shown = "photo";
  #near = false;

  constructor(app: App, left: AbortSignal, product: Product, index: number) {
    const photo = product.photos[index];
    if (!photo) throw new RangeError(`no photo ${index}`);
    [this.#app, this.#left, this.#id, this.#index, this.#photo] = [app, left, product.id, index, photo];
    this.#picture = make("img", { width: photo.width, height: photo.height, alt: "", class: "waiting" });
    const large = button("", () => this.#picture.src && enlarge(this.#picture.src, this.#picture.alt), {
      class: "frame",
      "aria-label": t("photos.enlarge", { n: index + 1 }),
    });
    large.append(this.#picture);
    const head = make("h3", {}, t("photos.number", { n: index + 1 }), " ", photoMark(photo));
    const reasons = photo.reasons.length > 0 && reasonList(photo.reasons);
    this.body = make("li", {}, make("div", { class: "stage" }, large, this.#words), head, reasons, facts(photo));
    const near = () => {
      this.#near = true;
      this.show(this.#shown);
    };
    whenNear(this.body, near, left);
  }

  /** Shows the photo or a drawing over it, as soon as it is near the screen. */
  show(kind: Shown): void {
    this.#shown = kind;
    const able = kind === "photo" || this.#photo.reasons.length === 0;
    this.#words.textContent = able ? "" : t("photos.nodrawing");
    this.#picture.classList.toggle("pale", !able);
    if (this.#near) void this.#load(able ? kind : "photo");
  }

  async #load(kind: Shown): Promise<void> {
    const asked = this.#shown;
    const { service, pictures } = this.#app;
    const load = () =>
      kind === "photo" ? service.photo(this.#id, this.#index, WIDTH) : service.overlay(this.#id, this.#index, kind);
    this.#picture.classList.add("waiting");
    try {
      const url = await pictures.get(`${this.#photo.sha256} ${this.#photo.view} ${kind}`, load, this.#left);
      if (asked !== this.#shown) return;
      this.#picture.src = url;
      this.#picture.alt = t(`photos.alt.${kind}` satisfies Key, { n: this.#index + 1, id: this.#id });
    } catch (error) {
      if (!this.#left.aborted && asked === this.#shown) this.#words.textContent = this.#app.wordsOf(error);
    } finally {
      if (asked === this.#shown) this.#picture.classList.remove("waiting");
    }
  }
}

function facts({ view, seen_view: seen, width, height, bytes }: StoredPhoto): HTMLElement {
  const found = seen ? t(`view.${seen}` satisfies Key) : t("photos.unfound");
  const differs = seen && view && seen !== view;
  const words = differs ? t("photos.differs", { found, given: t(`view.${view}` satisfies Key) }) : found;
  const rows: [string, string][] = [
    [t("photos.view"), words],
    [t("photos.size"), t("photos.pixels", { width, height, size: fileSize(bytes) })],
  ];
  return make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}
