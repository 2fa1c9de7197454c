// Photos of a draft: dropped or chosen, put in order by buttons or by dragging, each with its view.
import { button, make, newId } from "./dom";
import { type Draft, limits } from "./draft";
import { dropZone } from "./drop";
import type { View } from "./service";
import { fileSize, type Key, t } from "./texts";

const VIEWS = ["unknown", "front", "three_quarter", "side", "back"] as const;
/** What is dragged within the list, so that it isn't taken for a file. */
const DRAGGED = "application/x-tryon-photo";

export class Picker {
  readonly body: HTMLElement;
  readonly #draft: Draft;
  readonly #say: (words: string, shown?: boolean) => void;
  readonly #list = make("ol", { class: "chosen" });
  readonly #zone: HTMLElement;

  /** say: tells of what happened those who don't see it. */
  constructor(draft: Draft, say: (words: string, shown?: boolean) => void) {
    this.#draft = draft;
    this.#say = say;
    this.#zone = dropZone({
      many: true,
      words: t("form.drop"),
      choose: t("form.choose"),
      take: (files) => this.#add(files),
    });
    this.body = make("div", {}, this.#zone, this.#list);
    this.show();
  }

  /** The control that the focus goes to where photos are wanted. */
  get control(): HTMLElement {
    return this.#zone.querySelector("button") ?? this.#zone;
  }

  /** Draws the list anew, with the photos' problems. */
  show(): void {
    this.#list.replaceChildren(...this.#draft.photos.map((_, index) => this.#row(index)));
    this.#list.hidden = this.#draft.photos.length === 0;
  }

  #add(files: readonly File[]): void {
    const left = this.#draft.add(files);
    this.show();
    this.#say(t("form.added", { n: files.length - left }));
    if (left) this.#say(t("form.many", { n: limits().n, left }), true);
  }

  #row(index: number): HTMLElement {
    const photo = this.#draft.photos[index];
    if (!photo) throw new RangeError(`no photo ${index}`);
    const n = index + 1;
    const picture = make("img", { src: photo.url, alt: "", draggable: "false" });
    picture.addEventListener("error", () =>
      picture.replaceWith(make("span", { class: "nopreview" }, t("form.nopreview"))),
    );
    const problem = make("p", { class: "problem", id: newId("problem") }, photo.problem);
    const view = make("select", {
      "aria-label": t("form.view.of", { n }),
      onchange: () => (photo.view = view.value as View),
    });
    view.append(
      ...VIEWS.map((name) =>
        make("option", { value: name, selected: name === photo.view }, t(`view.${name}` satisfies Key)),
      ),
    );
    const tools = make(
      "span",
      { class: "order" },
      this.#tool("↑", t("form.earlier", { n }), index === 0, () => this.#move(index, index - 1)),
      this.#tool("↓", t("form.later", { n }), index === this.#draft.photos.length - 1, () =>
        this.#move(index, index + 1),
      ),
      this.#tool("✕", t("form.remove", { n }), false, () => this.#remove(index)),
    );
    const name = make(
      "span",
      { class: "filename" },
      photo.file.name,
      " ",
      make("small", {}, fileSize(photo.file.size)),
    );
    const about = make(
      "div",
      { class: "about" },
      name,
      make("label", { class: "view" }, t("form.view"), " ", view),
      problem,
    );
    const row = make(
      "li",
      { draggable: "true", class: photo.problem ? "wrong" : "" },
      make("span", { class: "frame" }, picture),
      about,
      tools,
    );
    this.#letDrag(row, index);
    return row;
  }

  #tool(sign: string, words: string, disabled: boolean, act: () => void): HTMLButtonElement {
    return button(sign, act, { class: "tool", "aria-label": words, title: words, disabled });
  }

  #move(from: number, to: number): void {
    const name = this.#draft.photos[from]?.file.name ?? "";
    this.#draft.move(from, to);
    this.show();
    this.#say(t("form.moved", { name, n: to + 1 }));
    const which = to < from ? 0 : 1; // the same button, on the row where the photo is now; its neighbour at an end
    const tools = this.#list.children[to]?.querySelectorAll<HTMLButtonElement>("button.tool");
    const same = tools?.[which];
    (same?.disabled ? tools?.[1 - which] : same)?.focus();
  }

  #remove(index: number): void {
    const name = this.#draft.photos[index]?.file.name ?? "";
    this.#draft.remove(index);
    this.show();
    this.#say(t("form.removed", { name }));
    const near = this.#list.children[Math.min(index, this.#draft.photos.length - 1)];
    (near?.querySelector<HTMLElement>("button.tool:last-child") ?? this.control).focus();
  }

  #letDrag(row: HTMLElement, index: number): void {
    row.addEventListener("dragstart", (event) => event.dataTransfer?.setData(DRAGGED, String(index)));
    row.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes(DRAGGED)) return;
      event.preventDefault();
      row.classList.add("over");
    });
    row.addEventListener("dragleave", () => row.classList.remove("over"));
    row.addEventListener("drop", (event) => {
      const from = event.dataTransfer?.getData(DRAGGED);
      if (!from) return;
      event.preventDefault();
      event.stopPropagation();
      this.#move(Number(from), index);
    });
  }
}
