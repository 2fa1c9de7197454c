// An <img> of the page that shows another picture for a while, and then its own again.

type Saved = readonly [element: Element, name: string, own: string | null, ours: string | null];

export class Picture {
  readonly img: HTMLImageElement;
  #url: string | null = null;
  #own = "";
  #saved: Saved[] = [];
  #turn = 0;

  constructor(img: HTMLImageElement) {
    this.img = img;
  }

  /** URL of the picture that the page gave it; empty where there is none. */
  get own(): string {
    return this.#ours ? this.#own : this.img.currentSrc || this.img.src;
  }

  /** The page's own words for it. */
  get alt(): string {
    return this.#saved.find(([, name]) => name === "alt")?.[2] ?? this.img.alt;
  }

  /**
   * Switches once the picture is decoded, so that nothing flashes. Rejects where it can't be decoded, and resolves to
   * false where another show or restore has come in between.
   */
  async show(picture: Blob, words: Readonly<Record<"alt" | "title" | "aria-description", string>>): Promise<boolean> {
    const turn = ++this.#turn;
    const url = URL.createObjectURL(picture);
    const preloaded = new Image();
    try {
      preloaded.src = url;
      await preloaded.decode();
    } catch (error) {
      URL.revokeObjectURL(url);
      throw error;
    }
    if (turn !== this.#turn) {
      URL.revokeObjectURL(url);
      return false;
    }
    this.#putBack();
    this.#own = this.own;
    for (const source of this.img.closest("picture")?.querySelectorAll("source") ?? [])
      this.#set(source, "srcset", null);
    // At this density the picture is as wide as the photo in CSS pixels: nothing shifts where the page sets no width.
    const density = preloaded.naturalWidth / (this.img.naturalWidth || preloaded.naturalWidth);
    this.#set(this.img, "sizes", null);
    this.#set(this.img, "srcset", `${url} ${density.toFixed(4)}x`);
    for (const [name, text] of Object.entries(words)) this.#set(this.img, name, text);
    this.#set(this.img, "src", url);
    this.#url = url;
    return true;
  }

  restore(): void {
    this.#turn++;
    this.#putBack();
  }

  get #ours(): boolean {
    return this.#url !== null && this.img.getAttribute("src") === this.#url;
  }

  /** What the page has changed since is the page's: a gallery or a choice of colour may have put in another photo. */
  #putBack(): void {
    const replaced = !this.#ours;
    for (const [element, name, own, ours] of this.#saved) {
      const ofPicture = name === "src" || name === "srcset" || name === "sizes";
      if ((ofPicture && replaced) || element.getAttribute(name) !== ours) continue;
      write(element, name, own);
    }
    this.#saved = [];
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  #set(element: Element, name: string, ours: string | null): void {
    this.#saved.push([element, name, element.getAttribute(name), ours]);
    write(element, name, ours);
  }
}

function write(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}
