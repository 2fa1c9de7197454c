// What a card draws over its picture: the button, a label on pictures made by software, a switch to the shop's photo.
import css from "./card.css";
import type { Texts } from "./host";

const SVG = "http://www.w3.org/2000/svg";
/** A figure with one arm raised. */
const FIGURE =
  "M12 6.2a2.1 2.1 0 1 0 0-4.2 2.1 2.1 0 0 0 0 4.2ZM4.5 12.5 9 9h6l4-5.2M9.3 9v6.2L8 22m6.7-13v6.2L16 22m-6.7-7h5.4";
/** A photo: frame, sun, hill. */
const PHOTO = "M3.5 5h17v14h-17zM8 11a1.6 1.6 0 1 0 0-3.2A1.6 1.6 0 0 0 8 11Zm-4.3 7 5.1-4.6 3 2.6 4.5-4.5 4.2 4";

let sheet: CSSStyleSheet | undefined;

export class Look {
  readonly root: ShadowRoot;
  readonly #layer = element("div", "layer");
  readonly #button = element("button", "button", "button");
  readonly #words = element("span", "words");
  readonly #label = element("p", "label", "label");
  readonly #original = element("button", "original", "original");
  readonly #notice = element("p", "notice");
  readonly #sizes = new ResizeObserver(() => this.#fit());
  #photo: HTMLImageElement | null = null;
  #framed: HTMLImageElement | null = null;

  /** open, swap: what the two buttons do; children: called when those of the page have changed. */
  constructor(host: HTMLElement, open: () => void, swap: () => void, children: () => void) {
    this.root = host.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [shared()];
    this.#button.append(icon(FIGURE), this.#words);
    this.#button.setAttribute("aria-haspopup", "dialog");
    this.#button.addEventListener("click", open);
    this.#original.append(icon(PHOTO));
    this.#original.addEventListener("click", swap);
    this.#notice.setAttribute("role", "status");
    const bar = element("div", "bar");
    bar.append(this.#button, this.#original);
    this.#layer.append(this.#notice, this.#label, bar);
    const slot = element("slot", "photo");
    slot.addEventListener("slotchange", children);
    this.root.append(slot, this.#layer);
    // A tile that opens the product's page on a click must not do so on the clicks on what is drawn here.
    for (const type of ["click", "keydown"]) this.root.addEventListener(type, (event) => this.#keep(event));
  }

  /** own: the page's photo is shown; posed: a picture in the shopper's pose, which own then stands in for. */
  draw(state: { readonly usable: boolean; readonly posed: boolean; readonly own: boolean }, texts: Texts, alt: string) {
    const words = texts.of(state.posed ? "card.more" : "card.try");
    this.#words.textContent = words;
    this.#button.setAttribute("aria-label", alt ? `${words}: ${alt}` : words);
    this.#button.hidden = !state.usable;
    this.#label.replaceChildren(...["long", "short"].map((form) => labelText(form, texts)));
    this.#label.hidden = !state.posed || state.own;
    this.#original.hidden = !state.posed;
    this.#original.setAttribute("aria-pressed", String(state.own));
    this.#original.setAttribute("aria-label", texts.of("card.original"));
    this.#original.title = texts.of("card.original");
  }

  /** words: what goes on, on the button; null for nothing. */
  busy(words: string | null): void {
    this.#button.setAttribute("aria-busy", String(words !== null));
    if (words !== null) this.#words.textContent = words;
  }

  /** A line that is read out; empty for none. */
  notice(words: string): void {
    this.#notice.textContent = words;
  }

  /** The card's own <img>, where the page has put none inside. */
  get photo(): HTMLImageElement | null {
    return this.#photo;
  }

  drawPhoto(url: string, alt: string): void {
    if (!this.#photo) {
      this.#photo = element("img", "picture", "picture");
      this.root.prepend(this.#photo);
    }
    this.#photo.src = url;
    this.#photo.alt = alt;
  }

  dropPhoto(): void {
    this.#photo?.remove();
    this.#photo = null;
  }

  /** Draw over this <img> of the page: it may be smaller than the card. */
  frame(img: HTMLImageElement | null): void {
    if (img === this.#framed) return;
    this.#framed = img;
    this.#sizes.disconnect();
    if (!img) return;
    this.#sizes.observe(this.root.host);
    this.#sizes.observe(img);
  }

  // By script, which a strict CSP allows, unlike an attribute with a style.
  #fit(): void {
    const card = this.root.host.getBoundingClientRect();
    const photo = this.#framed?.getBoundingClientRect();
    if (!photo?.width || !photo.height) return;
    const edges = [photo.top - card.top, card.right - photo.right, card.bottom - photo.bottom, photo.left - card.left];
    this.#layer.style.inset = edges.map((edge) => `${Math.max(0, edge)}px`).join(" ");
  }

  /** Calls back once, when no dialog is left. */
  whenClosed(closed: () => void): void {
    const watch = new MutationObserver(() => {
      if (this.root.querySelector("dialog")) return;
      watch.disconnect();
      closed();
    });
    watch.observe(this.root, { childList: true });
  }

  #keep(event: Event): void {
    if (this.root.contains(event.target as Node)) event.stopPropagation();
  }
}

/** One of two forms, of which the style sheet shows the one that fits. */
function labelText(form: string, texts: Texts): HTMLElement {
  const text = element("span", form);
  text.textContent = texts.of(form === "long" ? "card.label" : "card.badge");
  return text;
}

function shared(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, part = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = name;
  if (part) made.setAttribute("part", part);
  if (made instanceof HTMLButtonElement) made.type = "button";
  return made;
}

function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}
