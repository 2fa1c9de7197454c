// Wheel, mouse and fingers on the pair of pictures: slide, pan, pinch, double tap. Keys and the slider need none of it.
import type { Zoom } from "./zoom";

/** What gestures do. slide: the divider to a share of the width, 0 to 1; split: where it is, in percent. */
export interface Gestured {
  readonly zoom: Zoom;
  slide(share: number): void;
  split(): number;
}

/** Pixels around the divider that still take hold of it when the picture is zoomed. */
const GRIP = 28;
/** Pixels that a pointer may tremble in a tap. */
const STILL = 6;
/** Milliseconds between the two taps of a double tap, at most. */
const DOUBLE = 320;
/** Factor for a wheel's notch of 100. */
const WHEEL = 1.0015;

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Gestures {
  readonly #element: HTMLElement;
  readonly #target: Gestured;
  readonly #down = new Map<number, Point>();
  /** Where the first finger came down; null once it has moved or a second came. */
  #tap: Point | null = null;
  #lastTap = { at: 0, x: 0, y: 0 };
  #drags: "slide" | "pan" = "slide";

  constructor(element: HTMLElement, target: Gestured, signal: AbortSignal) {
    this.#element = element;
    this.#target = target;
    element.addEventListener("pointerdown", (event) => this.#press(event), { signal });
    element.addEventListener("pointermove", (event) => this.#drag(event), { signal });
    element.addEventListener("pointerup", (event) => this.#release(event, true), { signal });
    element.addEventListener("pointercancel", (event) => this.#release(event, false), { signal });
    element.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#element.setPointerCapture(event.pointerId);
    const point = { x: event.clientX, y: event.clientY };
    this.#down.set(event.pointerId, point);
    this.#tap = this.#down.size === 1 ? point : null;
    const { left, width } = this.#element.getBoundingClientRect();
    const away = Math.abs(point.x - left - (this.#target.split() / 100) * width);
    this.#drags = this.#target.zoom.atLeast || away < GRIP ? "slide" : "pan";
  }

  #drag(event: PointerEvent): void {
    const before = this.#down.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.#tap && distance(this.#tap, now) < STILL) return;
    this.#tap = null;
    this.#down.set(event.pointerId, now);
    const other = [...this.#down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.#pinch(before, now, other);
    else if (this.#drags === "pan") this.#target.zoom.move(now.x - before.x, now.y - before.y);
    else this.#slide(now.x);
  }

  #slide(x: number): void {
    const { left, width } = this.#element.getBoundingClientRect();
    this.#target.slide(Math.min(1, Math.max(0, (x - left) / width)));
  }

  #pinch(before: Point, now: Point, other: Point): void {
    this.#drags = "pan"; // the finger that stays longer must not pull the divider
    const factor = distance(now, other) / Math.max(1, distance(before, other));
    const { x, y } = this.#fromMiddle((now.x + other.x) / 2, (now.y + other.y) / 2);
    this.#target.zoom.by(factor, x, y);
    this.#target.zoom.move((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  #release(event: PointerEvent, meant: boolean): void {
    if (!this.#down.delete(event.pointerId) || !meant || !this.#tap) return;
    const { x, y } = this.#tap;
    this.#tap = null;
    const again = event.timeStamp - this.#lastTap.at < DOUBLE && distance(this.#lastTap, { x, y }) < 4 * STILL;
    this.#lastTap = { at: again ? 0 : event.timeStamp, x, y };
    const middle = this.#fromMiddle(x, y);
    if (again) this.#target.zoom.toggle(middle.x, middle.y);
  }

  /** Rolled back at full size, the wheel is the page's. */
  #wheel(event: WheelEvent): void {
    if (this.#target.zoom.atLeast && event.deltaY > 0) return;
    event.preventDefault();
    const { x, y } = this.#fromMiddle(event.clientX, event.clientY);
    this.#target.zoom.by(WHEEL ** -event.deltaY, x, y);
  }

  #fromMiddle(x: number, y: number): Point {
    const { left, top, width, height } = this.#element.getBoundingClientRect();
    return { x: x - left - width / 2, y: y - top - height / 2 };
  }
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
