// The shop's photo and the picture in the shopper's pose, one over the other, divided by a slider.
import { h, icon, iconButton } from "./dom";
import { Gestures } from "./gestures";
import { box } from "./pictures";
import type { Run } from "./run";
import type { Scope } from "./scope";
import { Zoom } from "./zoom";

/** Percent of the width that show the shop's photo in the end: enough to see what the handle is for. */
const START = 22;
/** Milliseconds in which the picture comes out from under the shop's photo. */
const REVEAL = 1100;

export class Compare {
  readonly element: HTMLElement;
  readonly #run: Run;
  readonly #slider: HTMLInputElement;
  readonly #after: HTMLImageElement;

  /** before: URL of the shop's photo, null where there is none to compare with. */
  constructor(run: Run, before: string | null, signal: AbortSignal) {
    this.#run = run;
    this.#slider = h("input", {
      type: "range",
      min: 0,
      max: 100,
      value: START,
      "aria-label": run.say("result.slider"),
    });
    this.#after = h("img", { alt: run.say("result.alt", { product: run.host.alt || run.host.product }) });
    const pair = box("pair", layer("after", this.#after));
    this.element = h("div", { class: "compare" }, pair);
    const zoom = new Zoom(pair);
    if (before) {
      pair.append(layer("before", h("img", { src: before, alt: run.host.alt, referrerpolicy: "no-referrer" })));
      pair.append(tag("left", run.say("result.before")), tag("right", run.say("result.after")));
      pair.append(this.#slider, h("div", { class: "divider", "aria-hidden": "true" }, icon("arrows")));
    }
    this.element.append(this.#zoomButtons(zoom));
    this.#slider.addEventListener("input", () => this.#split());
    const gestures = { zoom, slide: (share: number) => this.#slide(share), split: () => this.#slider.valueAsNumber };
    new Gestures(pair, gestures, signal);
    this.element.addEventListener("keydown", (event) => keys(event, zoom), { signal });
    this.#split();
  }

  /** Puts another picture on the right side; url must live as long as it is shown. clear: it is see-through. */
  show(url: string, clear: boolean): void {
    this.#after.src = url;
    this.element.classList.toggle("clear", clear);
  }

  /** Draws the shop's photo aside like a curtain, until somebody takes hold of it. */
  async reveal(scope: Scope): Promise<void> {
    if (!this.#slider.isConnected || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#slide(1);
    await this.#after.decode().catch(() => {});
    let last = this.#slider.valueAsNumber;
    const start = performance.now();
    const draw = (now: number) => {
      if (scope.ended || this.#slider.valueAsNumber !== last) return;
      const left = (1 - Math.min(1, Math.max(0, now - start) / REVEAL)) ** 3;
      this.#slide((START + (100 - START) * left) / 100);
      last = this.#slider.valueAsNumber;
      if (left > 0) requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  busy(is: boolean): void {
    this.element.setAttribute("aria-busy", String(is));
  }

  /** share: of the width, 0 to 1. */
  #slide(share: number): void {
    this.#slider.valueAsNumber = Math.round(share * 100);
    this.#split();
  }

  #split(): void {
    const percent = this.#slider.valueAsNumber;
    this.element.style.setProperty("--split", String(percent / 100));
    this.#slider.setAttribute("aria-valuetext", this.#run.say("result.value", { percent }));
  }

  #zoomButtons(zoom: Zoom): HTMLElement {
    const less = iconButton("round", this.#run.say("result.zoomOut"), "minus", () => zoom.step(-1));
    const more = iconButton("round", this.#run.say("result.zoomIn"), "plus", () => zoom.step(1));
    zoom.onChange = () => {
      less.setAttribute("aria-disabled", String(zoom.atLeast));
      more.setAttribute("aria-disabled", String(zoom.atMost));
    };
    zoom.onChange();
    return h("div", { class: "zoom" }, less, more);
  }
}

function layer(side: "before" | "after", image: HTMLImageElement): HTMLElement {
  image.draggable = false;
  return h("div", { class: `half ${side}` }, image);
}

function tag(side: "left" | "right", words: string): HTMLElement {
  return h("span", { class: `tag ${side}`, "aria-hidden": "true" }, words);
}

/** Pixels that Shift and an arrow move a picture that is zoomed. */
const STRIDE = 48;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [STRIDE, 0],
  ArrowRight: [-STRIDE, 0],
  ArrowUp: [0, STRIDE],
  ArrowDown: [0, -STRIDE],
};

function keys(event: KeyboardEvent, zoom: Zoom): void {
  const arrow = event.shiftKey ? ARROWS[event.key] : undefined;
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own zoom
  if (event.key === "+" || event.key === "=") zoom.step(1);
  else if (event.key === "-") zoom.step(-1);
  else if (event.key === "0") zoom.reset();
  else if (arrow) zoom.move(...arrow);
  else return;
  event.preventDefault();
}
