// <try-on-card>: a product's picture with the button that opens the flow.

import type { Service } from "./api";
import { ApiError } from "./api-error";
import { emit } from "./events";
import type { FlowHost, Texts } from "./host";
import { type Subject, wordsFor } from "./listing";
import { Look } from "./look";
import { type Page, type TokenHolder, verdictOf } from "./page";
import { Picture } from "./picture";
import { type Table, tableAt, type Wording } from "./texts";

const BACKGROUNDS = "product,#ffffff,#f2efe9,transparent";
const BACKGROUND = /^(product|transparent|#[0-9a-f]{6})$/i;
/** Pixels of width of the product's photo, where the service is asked for it. */
const PHOTO_WIDTH = 1080;

export class TryOnCard extends HTMLElement {
  /** Set once, before the element is defined. */
  static page: Page;
  static readonly observedAttributes = ["product", "token", "src", "alt", "lang", "texts"];

  readonly #page = TryOnCard.page;
  readonly #inside = this.#describe();
  readonly #look = new Look(
    this,
    () => this.open(),
    () => this.#swap(),
    () => this.#regard(),
  );
  #picture: Picture | null = null;
  /** The picture in the shopper's pose, and whether the page's own photo stands in for it. */
  #posed: Blob | null = null;
  #own = false;
  #token: string | null = null;
  /** The store's words: of the address in the attribute, and as set. */
  #fetched: Table = {};
  #texts: Table = {};
  /** The children are there. */
  #whole = false;
  #opening = false;

  /** Write only, so that no script reads it off the page by chance. */
  set token(token: string) {
    this.#page.offer(this.#inside, token);
    this.#token = token;
  }

  /** The store's words by key, over all others. */
  get texts(): Table {
    return this.#texts;
  }

  set texts(texts: Table) {
    this.#texts = { ...texts };
    this.#draw();
  }

  /** Opens the try-on, as a click on the button does. */
  async open(): Promise<void> {
    const { listing } = this.#page;
    if (this.#opening || !this.#inside.product || this.#look.root.querySelector("dialog")) return;
    this.#opening = true;
    this.#look.notice("");
    this.#look.busy(this.#wording().of("card.loading"));
    listing.hold(this);
    try {
      const { flow, texts } = await this.#page.flow();
      if (!this.isConnected) return listing.release(this);
      emit(this, "tryon:opened");
      const { product, service, tokenUrl } = this.#inside;
      if (product && tokenUrl) service.prepare([product]);
      flow.open(this.#host(this.#wording().learn(texts)));
      this.#look.whenClosed(() => listing.release(this));
    } catch {
      listing.release(this);
      this.#look.notice(this.#wording().of("card.failed"));
      emit(this, "tryon:error", { code: "offline" });
    } finally {
      this.#opening = false;
      this.#look.busy(null);
      this.#draw();
    }
  }

  /** Forgets the shopper's pose; the page shows its own photos again. */
  forget(): void {
    this.#page.session.forget();
    emit(this, "tryon:forgotten");
  }

  connectedCallback(): void {
    for (const name of ["token", "texts"] as const) upgrade(this, name);
    this.#page.add(this.#inside);
    this.#page.listing.add(this.#inside);
    this.#page.textsHere.then(() => this.#draw());
    this.#draw();
    // Children come later than the element: from the parser, and from most frameworks.
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.#settle());
    else setTimeout(() => this.#settle());
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return; // it was only moved
      this.#page.remove(this.#inside);
      this.#page.listing.remove(this);
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === "token" && now !== null) this.token = now;
    if (name === "texts") this.#fetchTexts(now);
    if (!this.#whole) return;
    if (name === "product") this.#page.listing.renew(this);
    if (name === "product" || name === "src" || name === "alt") this.#drawPhoto();
    this.#draw();
  }

  #settle(): void {
    if (this.#whole || !this.isConnected) return;
    this.#whole = true;
    this.#drawPhoto();
    this.#draw();
    emit(this, "tryon:ready", { product: this.#inside.product });
  }

  /** The page has changed the card's children, perhaps put in another <img>. */
  #regard(): void {
    const before = this.#picture?.img;
    if (this.querySelector("img")) this.#look.dropPhoto();
    if (!this.#whole || this.#inside.picture?.img === before) return;
    this.#changed(null);
    this.#page.listing.renew(this);
  }

  get #alt(): string {
    return this.getAttribute("alt") ?? this.#inside.picture?.alt ?? "";
  }

  /** What the rest of the widget knows of the card. */
  #describe(): Subject & TokenHolder & { service: Service } {
    const card = this;
    return {
      element: card,
      get product() {
        return card.getAttribute("product") || null;
      },
      get token() {
        return card.#token;
      },
      get tokenUrl() {
        return card.getAttribute("token-url") ?? card.#page.tokenUrl;
      },
      get service() {
        return card.#page.serviceOf(this);
      },
      get texts() {
        return card.#wording();
      },
      get picture() {
        return card.#pictureNow();
      },
      changed: (posed) => card.#changed(posed),
    };
  }

  /** Of the page's <img> inside, which may be another one by now, or the card's own. */
  #pictureNow(): Picture | null {
    const img = this.querySelector("img") ?? this.#look.photo;
    if (this.#picture?.img !== img) {
      this.#picture?.restore();
      this.#picture = img && new Picture(img);
    }
    return this.#picture;
  }

  /** The card's own <img>, where the page has put none inside. */
  async #drawPhoto(): Promise<void> {
    if (this.querySelector("img")) return;
    const { product, service } = this.#inside;
    const src = this.getAttribute("src");
    this.#changed(null);
    try {
      const url = src ?? (product ? await service.photo(product, PHOTO_WIDTH) : null);
      const current = product === this.#inside.product && src === this.getAttribute("src");
      if (url === null || !current) return;
      this.#look.drawPhoto(url, this.getAttribute("alt") ?? "");
      this.#page.listing.renew(this);
    } catch (error) {
      this.#failed(error);
    }
  }

  #draw(): void {
    this.#look.frame(this.#inside.picture?.img ?? null);
    const state = { usable: this.#inside.product !== null, posed: this.#posed !== null, own: this.#own };
    this.#look.draw(state, this.#wording(), this.#alt);
  }

  /** The picture shows this now; null for the page's own photo. */
  #changed(posed: Blob | null): void {
    if (posed === null) this.#inside.picture?.restore();
    this.#posed = posed;
    this.#own = false;
    this.#draw();
  }

  /** Between the picture in the shopper's pose and the page's own photo. */
  async #swap(): Promise<void> {
    this.#own = !this.#own;
    this.#draw();
    if (this.#own) this.#inside.picture?.restore();
    else if (this.#posed) await this.#show(this.#posed);
  }

  async #show(picture: Blob): Promise<void> {
    try {
      if (await this.#inside.picture?.show(picture, wordsFor(this.#inside))) this.#changed(picture);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    emit(this, "tryon:error", { code: ApiError.is(error) ? error.code : "internal" });
  }

  #wording(): Wording {
    return this.#page.textsFor(this).override(this.#fetched).override(this.#texts);
  }

  async #fetchTexts(url: string | null): Promise<void> {
    const fetched = url === null ? {} : await tableAt(url);
    if (url !== this.getAttribute("texts")) return;
    this.#fetched = fetched;
    this.#draw();
  }

  async #before(product: string): Promise<string> {
    const src = this.getAttribute("src");
    if (src !== null) return new URL(src, document.baseURI).href;
    return this.#inside.picture?.own || this.#inside.service.photo(product, PHOTO_WIDTH);
  }

  #host(texts: Texts): FlowHost {
    const { listing, session } = this.#page;
    const { service } = this.#inside;
    const product = this.#inside.product ?? "";
    const theme = this.getAttribute("theme");
    const backgrounds = (this.getAttribute("backgrounds") ?? BACKGROUNDS).split(",").map((one) => one.trim());
    return {
      element: this,
      root: this.#look.root,
      product,
      alt: this.#alt,
      lang: texts.lang,
      minVerdict: verdictOf(this.getAttribute("min-verdict"), "doubtful"),
      backgrounds: backgrounds.filter((one) => BACKGROUND.test(one)),
      theme: theme === "light" || theme === "dark" ? theme : "auto",
      texts,
      api: service,
      session,
      before: () => this.#before(product),
      show: (picture) => {
        listing.settle(this);
        listing.release(this);
        this.#show(picture);
      },
      reset: () => {
        listing.release(this);
        this.#changed(null);
      },
      emit: (name, detail, cancelable) => emit(this, name, detail, cancelable),
    };
  }
}

/** A property that the store's script set before the element was defined would hide the accessor. */
function upgrade(card: TryOnCard, name: "token" | "texts"): void {
  const value = Object.getOwnPropertyDescriptor(card, name)?.value;
  if (value === undefined) return;
  delete (card as Partial<TryOnCard>)[name];
  Object.assign(card, { [name]: value });
}
