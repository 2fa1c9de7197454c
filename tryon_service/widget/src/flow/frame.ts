// The dialog as an element: a bar, the picture side, the words, the actions, and a live region.
import type { FlowHost } from "../host";
import { h, iconButton } from "./dom";
import type { View } from "./run";

const HEADING = "tryon-heading";

export class Frame {
  readonly dialog: HTMLDialogElement;
  readonly #back: HTMLButtonElement;
  /** Before the picture side, though it looks otherwise: the focus starts here, and Tab leads to the slider. */
  readonly #head = h("div", { class: "head" });
  readonly #stage = h("div", { class: "stage" });
  readonly #panel = h("div", { class: "panel" });
  readonly #scroll = h("div", { class: "scroll" }, this.#head, this.#stage, this.#panel);
  readonly #actions = h("div", { class: "actions" });
  readonly #live = h("p", { class: "unseen", role: "status" });
  #goBack: (() => void) | undefined;

  constructor(host: FlowHost, close: () => void) {
    this.#back = iconButton("top-button", host.texts.of("dialog.back"), "back", () => this.#goBack?.());
    const exit = iconButton("top-button exit", host.texts.of("dialog.close"), "close", close);
    this.dialog = h(
      "dialog",
      { class: "flow", part: "dialog", lang: host.texts.lang, "aria-labelledby": HEADING, close },
      h("div", { class: "top" }, this.#back, exit),
      this.#scroll,
      this.#actions,
      this.#live,
    );
    host.root.append(this.dialog);
  }

  /** Shows a step and moves the focus to its heading. */
  show(view: View, notice: string, back: (() => void) | undefined): void {
    const heading = h("h2", { id: HEADING, tabindex: -1 }, view.title);
    this.dialog.dataset.step = view.name;
    this.#goBack = back;
    this.#back.hidden = !back;
    this.#head.replaceChildren(...(notice ? [h("p", { class: "message" }, notice)] : []), heading);
    this.#stage.replaceChildren(...view.stage);
    this.#panel.replaceChildren(...(view.text ? [h("p", { class: "lead" }, view.text)] : []), ...(view.body ?? []));
    this.#actions.replaceChildren(...(view.actions ?? []));
    this.#live.textContent = notice;
    for (const one of [this.dialog, this.#scroll, this.#panel]) one.scrollTop = 0; // which scrolls, the screen decides
    if (!this.dialog.open) this.dialog.showModal();
    heading.focus({ preventScroll: true });
  }

  /** Says something to who can't see it. */
  announce(words: string): void {
    if (this.#live.textContent !== words) this.#live.textContent = words;
  }

  remove(): void {
    if (this.dialog.open) this.dialog.close(); // gives the focus back to where it was
    this.dialog.remove();
  }
}
