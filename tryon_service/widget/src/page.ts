// What all cards and pictures of the page share: the script's settings, the kept pose, the services by token.

import cardTexts from "texts:card";
import { Service } from "./api";
import { emit } from "./events";
import type { FlowModule, Verdict } from "./host";
import { imageSubject, PICTURES } from "./image";
import { Listing } from "./listing";
import { Visit } from "./session";
import { langOf, type Table, tableAt, Wording } from "./texts";
import { fromStore, fromUrl, TokenSource } from "./token";

/** Milliseconds after a change of the page before it is searched for new pictures. */
const SETTLE = 100;

/** A token, an address that gives one, or both; a holder without asks the store's script by an event. */
interface Credentials {
  readonly token: string | null;
  readonly tokenUrl: string | null;
}

export interface TokenHolder extends Credentials {
  readonly element: HTMLElement;
  readonly product: string | null;
}

interface Access {
  readonly service: Service;
  set?: (token: string) => void;
}

export class Page {
  readonly tokenUrl: string | null;
  /** Settles when the store's texts for the whole page are here, or there are none. */
  readonly textsHere: Promise<void>;
  readonly session = new Visit();
  readonly listing: Listing;
  readonly #flowUrl: URL;
  #failures = 0;
  readonly #base: URL;
  /** The store's texts for the whole page; empty until they are here. */
  #texts: Table = {};
  readonly #cards = new Set<TokenHolder>();
  readonly #access = new Map<string, Access>();
  readonly #changes = new MutationObserver((changes) => this.#changed(changes));
  #search: ReturnType<typeof setTimeout> | undefined;

  /** script: the tag that this code comes from. */
  constructor(script: HTMLScriptElement) {
    this.#flowUrl = new URL(`flow.js?v=${FLOW_HASH}`, script.src);
    this.#base = new URL("../../", script.src);
    this.tokenUrl = script.dataset.tokenUrl ?? null;
    this.textsHere = this.#loadTexts(script.dataset.texts);
    this.listing = new Listing(this.session, verdictOf(script.dataset.minVerdict, "accepted"));
    this.session.subscribe(() => this.#watch());
    this.#watch();
  }

  add(card: TokenHolder): void {
    this.#cards.add(card);
  }

  remove(card: TokenHolder): void {
    this.#cards.delete(card);
  }

  /** One service for all that share a token or its address, so that their calls are shared. */
  serviceOf(holder: Credentials): Service {
    const key = keyOf(holder);
    const known = this.#access.get(key);
    if (known) return known.service;
    const { token, tokenUrl } = holder;
    const ask = tokenUrl ? fromUrl(tokenUrl, () => this.#products()) : fromStore((set) => this.#announce(key, set));
    const service = new Service(this.#base, new TokenSource(token, ask));
    this.#access.set(key, { service });
    return service;
  }

  /** The words for an element, in its language. */
  textsFor(element: Element): Wording {
    return new Wording(langOf(element)).learn(cardTexts).override(this.#texts);
  }

  /** The lazy part. A browser may keep a failed import for good, so that another try needs another address. */
  async flow(): Promise<FlowModule> {
    const url = new URL(this.#flowUrl);
    if (this.#failures) url.searchParams.set("try", String(this.#failures));
    try {
      return await import(url.href);
    } catch (error) {
      this.#failures++;
      throw error;
    }
  }

  /** The service for a picture without a card: the script's address for tokens, or a card's token. */
  get service(): Service | null {
    if (this.tokenUrl) return this.serviceOf({ token: null, tokenUrl: this.tokenUrl });
    const [card] = this.#cards;
    return card ? this.serviceOf(card) : null;
  }

  /** The store has set a token on the card; calls that wait for one go on with it. */
  offer(card: TokenHolder, token: string): void {
    this.#access.get(keyOf(card))?.set?.(token);
  }

  async #loadTexts(url: string | undefined): Promise<void> {
    if (url) this.#texts = await tableAt(url);
  }

  #announce(key: string, set: (token: string) => void): boolean {
    const access = this.#access.get(key);
    if (access) access.set = set;
    const cards = [...this.#cards].filter((card) => keyOf(card) === key);
    return cards.map(({ element }) => emit(element, "tryon:token-expired", {}, true)).includes(false);
  }

  *#products(): Iterable<string> {
    for (const { product } of this.#cards) if (product) yield product;
    for (const img of document.querySelectorAll<HTMLElement>(PICTURES)) yield img.dataset.tryonProduct ?? "";
  }

  /** Only a page with a pose to show has a reason to look after its pictures. */
  #watch(): void {
    this.#changes.disconnect();
    if (!this.session.get()) return;
    const what = { childList: true, subtree: true, attributeFilter: ["data-tryon-product"] };
    this.#changes.observe(document, what);
    this.#find();
    addEventListener("DOMContentLoaded", () => this.#find(), { once: true });
  }

  #changed(changes: readonly MutationRecord[]): void {
    for (const { type, target } of changes) {
      if (type === "attributes") this.listing.renew(target as HTMLElement);
    }
    this.#search ??= setTimeout(() => this.#find(), SETTLE);
  }

  #find(): void {
    this.#search = undefined;
    this.listing.prune();
    for (const img of document.querySelectorAll<HTMLImageElement>(PICTURES)) {
      if (!this.listing.has(img)) this.listing.add(imageSubject(img, this));
    }
  }
}

export function verdictOf(text: string | null | undefined, otherwise: Verdict): Verdict {
  return text === "accepted" || text === "doubtful" ? text : otherwise;
}

function keyOf({ token, tokenUrl }: Credentials): string {
  return `${token ?? ""} ${tokenUrl ?? ""}`;
}
