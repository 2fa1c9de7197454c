// A new product, or new photos of one: what is wrong is shown where it is.
import { type App, hash, type Panel, productRoute } from "./app";
import { button, make, newId } from "./dom";
import { type Draft, limits, type Place } from "./draft";
import { Picker } from "./picker";
import { type Product, ServiceError } from "./service";
import { named, t } from "./texts";
import { photoIndex, reasonWords } from "./words";

/** By the service's name of the field. */
const PLACES: Readonly<Record<string, Place>> = {
  product_id: "id",
  photos: "photos",
  rights_confirmed: "rights",
  rights_reference: "reference",
};

/** replaced: the id of the product whose photos are to be others, null for a new one; saved: called when it is in. */
export function edit(
  app: App,
  left: AbortSignal,
  draft: Draft,
  replaced: string | null,
  saved: (product: Product) => void,
): Panel {
  const panel = new Edit(app, left, draft, replaced, saved);
  return { title: panel.title, body: panel.body };
}

class Edit {
  readonly title: string;
  readonly body: HTMLElement;
  readonly #app: App;
  readonly #left: AbortSignal;
  readonly #draft: Draft;
  readonly #saved: (product: Product) => void;
  readonly #picker: Picker;
  readonly #controls = new Map<Place, HTMLElement>();
  readonly #problems = new Map<Place, HTMLElement>();
  readonly #answer = make("div", { class: "answer", role: "alert" });
  readonly #progress = make("progress", { max: 1, "aria-label": t("form.photos") });
  readonly #step = make("p", { role: "status" });
  readonly #send: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  #sending: AbortController | null = null;
  /** The id of which it is known that there is a product already, and that it may be replaced. */
  #known: string | null;

  constructor(app: App, left: AbortSignal, draft: Draft, replaced: string | null, saved: (product: Product) => void) {
    [this.#app, this.#left, this.#draft, this.#saved, this.#known] = [app, left, draft, saved, replaced];
    if (replaced !== null) draft.id = replaced;
    this.title = replaced === null ? t("form.title.new") : t("form.title.replace", { id: replaced });
    this.#picker = new Picker(draft, (words, shown) => app.say(words, shown));
    this.#controls.set("photos", this.#picker.control);
    this.#send = make("button", { class: "primary" }, t(replaced === null ? "form.send" : "form.send.replace"));
    this.#stop = button(t("app.cancel"), () => this.#sending?.abort(), { hidden: true });
    this.#progress.hidden = true;
    const rows = [replaced === null && this.#idRow(), this.#photosRow(), this.#rightsRow(), this.#referenceRow()];
    const end = make(
      "div",
      { class: "sending" },
      this.#answer,
      this.#progress,
      this.#step,
      make("div", { class: "row" }, this.#send, this.#stop),
    );
    const form = make(
      "form",
      { class: "edit", novalidate: true, onsubmit: (event: Event) => this.#submit(event) },
      ...rows,
      end,
    );
    const back =
      replaced === null
        ? make("a", { href: hash("") }, t("app.back"))
        : make("a", { href: hash(productRoute(replaced)) }, replaced);
    this.body = make("div", {}, make("p", { class: "back" }, back), make("h1", {}, this.title), form);
    left.addEventListener("abort", () => this.#sending?.abort());
  }

  #idRow(): HTMLElement {
    const input = make("input", {
      id: newId("id"),
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      maxlength: 128,
      value: this.#draft.id,
    });
    input.addEventListener("input", () => {
      this.#draft.id = input.value.trim();
      this.#setProblem("id", "");
    });
    return this.#row("id", input, t("form.id"), t("form.id.note"));
  }

  #photosRow(): HTMLElement {
    const problem = this.#problemOf("photos");
    const note = make("small", {}, t("form.photos.note", limits()));
    return make("fieldset", {}, make("legend", {}, t("form.photos")), note, problem, this.#picker.body);
  }

  #rightsRow(): HTMLElement {
    const box = make("input", { type: "checkbox", checked: this.#draft.rights });
    box.addEventListener("change", () => {
      this.#draft.rights = box.checked;
      this.#setProblem("rights", "");
    });
    const problem = this.#problemOf("rights");
    box.setAttribute("aria-describedby", problem.id);
    this.#controls.set("rights", box);
    const words = make("span", {}, t("form.rights"), make("small", {}, t("form.rights.note")));
    return make("div", { class: "field" }, make("label", { class: "check" }, box, words), problem);
  }

  #referenceRow(): HTMLElement {
    const input = make("input", {
      id: newId("reference"),
      autocomplete: "off",
      maxlength: 200,
      value: this.#draft.reference,
    });
    input.addEventListener("input", () => {
      this.#draft.reference = input.value;
      this.#setProblem("reference", "");
    });
    return this.#row("reference", input, t("form.reference"), t("form.reference.note"));
  }

  #row(place: Place, input: HTMLInputElement, label: string, note: string): HTMLElement {
    const problem = this.#problemOf(place);
    const about = make("small", { id: newId("note") }, note);
    input.setAttribute("aria-describedby", `${about.id} ${problem.id}`);
    this.#controls.set(place, input);
    return make("div", { class: "field" }, make("label", { for: input.id }, label), input, about, problem);
  }

  #problemOf(place: Place): HTMLElement {
    const problem = make("p", { class: "problem", id: newId("problem") });
    this.#problems.set(place, problem);
    return problem;
  }

  #setProblem(place: Place, words: string): void {
    const problem = this.#problems.get(place);
    if (problem) problem.textContent = words;
    const control = this.#controls.get(place);
    if (control instanceof HTMLInputElement) control.setAttribute("aria-invalid", String(words !== ""));
  }

  async #submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.#sending) return;
    if (!this.#check()) return;
    this.#sending = new AbortController();
    this.#busy(true);
    try {
      if (await this.#taken(this.#sending.signal)) return this.#askToReplace();
      const product = await this.#put(this.#sending.signal);
      this.#draft.clear();
      this.#saved(product);
    } catch (error) {
      if (this.#left.aborted) return;
      if (this.#sending.signal.aborted) this.#answer.textContent = t("form.stopped");
      else this.#refused(error);
    } finally {
      this.#sending = null;
      this.#busy(false);
    }
  }

  /** Shows what can be told to be wrong before anything is sent; false if anything is. */
  #check(): boolean {
    const found = this.#draft.problems();
    for (const place of this.#problems.keys()) this.#setProblem(place, found.get(place) ?? "");
    this.#answer.textContent = found.size ? t("form.wrong") : "";
    const [first] = found.keys();
    if (first) this.#controls.get(first)?.focus();
    return found.size === 0;
  }

  /** Whether there is a product with the id that nobody has said may be replaced. */
  async #taken(signal: AbortSignal): Promise<boolean> {
    if (this.#draft.id === this.#known) return false;
    try {
      await this.#app.service.product(this.#draft.id, signal);
      return true;
    } catch (error) {
      if (error instanceof ServiceError && error.code === "unknown_product") return false;
      throw error;
    }
  }

  #askToReplace(): void {
    const replace = button(t("form.exists.do"), () => {
      this.#known = this.#draft.id;
      this.#send.form?.requestSubmit();
    });
    this.#answer.replaceChildren(make("p", {}, t("form.exists")), replace);
  }

  #put(signal: AbortSignal): Promise<Product> {
    const sent = (share: number) => {
      if (share < 1) {
        this.#progress.value = share;
        this.#step.textContent = t("form.uploading", { percent: Math.round(100 * share) });
      } else {
        this.#progress.removeAttribute("value"); // how long looking takes isn't known
        this.#stop.hidden = true; // the service has everything, and keeps it whoever waits
        this.#step.textContent = t("form.analysing");
      }
    };
    sent(0);
    this.#stop.scrollIntoView({ block: "nearest" });
    return this.#app.service.put(this.#draft.id, this.#draft.form(), sent, signal);
  }

  #busy(busy: boolean): void {
    this.#send.disabled = busy;
    this.#stop.hidden = this.#progress.hidden = !busy;
    if (!busy) this.#step.textContent = "";
    if (busy) this.#answer.replaceChildren();
  }

  /** Puts the service's words where they belong. */
  #refused(error: unknown): void {
    const words = this.#app.wordsOf(error);
    this.#answer.textContent = words;
    if (!(error instanceof ServiceError)) return;
    const about = error.reasons.length ? error.reasons : [{ code: error.code, photo: error.field }];
    let placed = false;
    for (const photo of this.#draft.photos) photo.problem = "";
    for (const { code, photo } of about) {
      const index = photoIndex(photo);
      const chosen = index === null ? undefined : this.#draft.photos[index];
      if (!chosen) continue;
      chosen.problem = [reasonWords(code), named("advice", code)].filter(Boolean).join(" ");
      placed = true;
    }
    this.#picker.show();
    const place = PLACES[error.field];
    if (place) this.#setProblem(place, words);
    if (!placed && !place) return;
    this.#answer.textContent = t("form.wrong");
    this.#controls.get(place ?? "photos")?.focus();
  }
}
