/** Largest scale: beyond it the picture's own pixels show. */
const MOST = 4;
const STEP = 1.5;
const CLOSE_UP = 2.5;
/** Scales below count as not enlarged: fingers can't find 1 exactly. */
const NEARLY_ONE = 1.03;

/** How much a pair of pictures is enlarged, and how far moved; the style sheet reads --zoom, --x and --y. */
export class Zoom {
  /** Called after every change. */
  onChange: () => void = () => {};
  readonly #element: HTMLElement;
  #scale = 1;
  #x = 0;
  #y = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  get atLeast(): boolean {
    return this.#scale <= 1;
  }

  get atMost(): boolean {
    return this.#scale >= MOST;
  }

  /** In or out by one step, about the middle. */
  step(direction: 1 | -1): void {
    this.by(STEP ** direction, 0, 0);
  }

  /** Enlarges by a factor about a point, in pixels from the element's middle. */
  by(factor: number, x: number, y: number): void {
    const scale = Math.min(MOST, Math.max(1, this.#scale * factor));
    const grown = scale / this.#scale;
    this.#scale = scale < NEARLY_ONE ? 1 : scale;
    this.move((x - this.#x) * (1 - grown), (y - this.#y) * (1 - grown));
  }

  /** Moves by pixels, never past an edge. */
  move(x: number, y: number): void {
    const { clientWidth, clientHeight } = this.#element;
    this.#x = between(this.#x + x, ((this.#scale - 1) * clientWidth) / 2);
    this.#y = between(this.#y + y, ((this.#scale - 1) * clientHeight) / 2);
    this.#apply();
  }

  /** A double tap: close up at the point, or back. */
  toggle(x: number, y: number): void {
    if (this.atLeast) this.by(CLOSE_UP, x, y);
    else this.reset();
  }

  reset(): void {
    this.#scale = 1;
    this.move(0, 0);
  }

  #apply(): void {
    const { style, classList } = this.#element;
    style.setProperty("--zoom", this.#scale.toFixed(3));
    style.setProperty("--x", `${this.#x.toFixed(1)}px`);
    style.setProperty("--y", `${this.#y.toFixed(1)}px`);
    classList.toggle("zoomed", !this.atLeast);
    this.onChange();
  }
}

function between(value: number, most: number): number {
  return Math.min(most, Math.max(-most, value)) || 0;
}
