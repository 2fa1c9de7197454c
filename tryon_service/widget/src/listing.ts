// Every card and every <img data-tryon-product> of the page in the shopper's pose, as it comes near the view.

import { fetchLinked, type Linked, type Service } from "./api";
import { ApiError } from "./api-error";
import { emit } from "./events";
import type { KeptPose, Session, Texts, Verdict } from "./host";
import type { Picture } from "./picture";

/** Pictures so far below or above the view are fetched, so that most are there when scrolled to. */
const MARGIN = "400px 0px";
/** Milliseconds in which wishes for links are collected, and how many go into one call at most. */
const COLLECT = 50;
const MAX_LINKS = 100;
/** Pictures fetched at the same time: the service renders one after the other, and others wait as well. */
const PARALLEL = 2;
/** Widths asked for, CSS pixels times density: few, so that the same picture is found in the browser's cache. */
const WIDTHS = [240, 360, 480, 640, 800, 1080, 1440];

/** Something of the page that can show a product in a pose. */
export interface Subject {
  /** Where it is, and where its events go. */
  readonly element: HTMLElement;
  readonly product: string | null;
  readonly texts: Texts;
  /** Null where there is no way to a token. */
  readonly service: Service | null;
  readonly picture: Picture | null;
  /** Called with what it shows now; null for its own photo. */
  changed(posed: Blob | null): void;
}

interface Item {
  readonly subject: Subject;
  near: boolean;
  /** The pose and product it shows, or was refused for, or is under way to; null where it shows its own photo. */
  state: string | null;
  /** Grows whenever what is under way has become worthless. */
  turn: number;
}

export class Listing {
  readonly #session: Session;
  readonly #minVerdict: Verdict;
  readonly #items = new Map<Element, Item>();
  readonly #near: IntersectionObserver;
  #wishes = new Set<Item>();
  #collecting = false;
  readonly #links = new Map<string, Promise<Map<string, string>>>();
  #queue: (() => Promise<void>)[] = [];
  #running = 0;
  readonly #holders = new Set<Element>();
  #abort = new AbortController();
  /** The pose that all of this is about. */
  #pose: string | null;

  constructor(session: Session, minVerdict: Verdict) {
    this.#session = session;
    this.#pose = session.get()?.token ?? null;
    this.#minVerdict = minVerdict;
    this.#near = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: MARGIN });
    session.subscribe(() => this.#update());
  }

  has(element: Element): boolean {
    return this.#items.has(element);
  }

  add(subject: Subject): void {
    if (this.has(subject.element)) return;
    this.#items.set(subject.element, { subject, near: false, state: null, turn: 0 });
    this.#near.observe(subject.element);
  }

  remove(element: Element): void {
    const item = this.#items.get(element);
    if (!item) return;
    this.#near.unobserve(element);
    this.release(element);
    this.#items.delete(element);
    this.#restore(item);
  }

  /** Drops what has left the page. */
  prune(): void {
    for (const element of this.#items.keys()) if (!element.isConnected) this.remove(element);
  }

  /** The element's product, token or picture has changed. */
  renew(element: Element): void {
    const item = this.#items.get(element);
    if (!item) return;
    this.#restore(item);
    this.#consider(item);
  }

  /** The element shows the product in the kept pose by other means. */
  settle(element: Element): void {
    const item = this.#items.get(element);
    const pose = this.#session.get();
    if (!item || !pose) return;
    item.turn++;
    item.state = stateOf(pose, item);
  }

  /** Fetch nothing until release: what the shopper waits for comes first. */
  hold(holder: Element): void {
    this.#holders.add(holder);
  }

  release(holder: Element): void {
    if (!this.#holders.delete(holder)) return;
    for (const item of this.#items.values()) this.#consider(item);
    this.#run();
  }

  #seen(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const item = this.#items.get(target);
      if (!item) continue;
      item.near = isIntersecting;
      this.#consider(item);
    }
  }

  /** The session has changed. */
  #update(): void {
    const pose = this.#session.get()?.token ?? null;
    if (pose !== this.#pose) {
      this.#pose = pose;
      this.#abort.abort();
      this.#abort = new AbortController();
      this.#links.clear();
      this.#queue = [];
    }
    for (const item of this.#items.values()) {
      if (pose === null) this.#restore(item);
      else this.#consider(item);
    }
  }

  #restore(item: Item): void {
    if (item.state === null) return;
    item.turn++;
    item.state = null;
    withdraw(item.subject);
  }

  /** Ask for the picture if it is near, has none yet for this pose, and nothing else comes first. */
  #consider(item: Item): void {
    const pose = this.#session.get();
    if (!pose || this.#holders.size > 0 || !item.near || !item.subject.product) return;
    const state = stateOf(pose, item);
    if (item.state === state) return;
    item.turn++;
    item.state = state;
    this.#wishes.add(item);
    if (this.#collecting) return;
    this.#collecting = true;
    setTimeout(() => this.#collect(), COLLECT);
  }

  /** One call for links by service and width. */
  #collect(): void {
    this.#collecting = false;
    const batches = new Map<Service, Map<number, Item[]>>();
    const wishes = this.#wishes;
    this.#wishes = new Set();
    for (const item of wishes) {
      const { service, picture } = item.subject;
      if (!service || !picture) {
        item.state = null;
        continue;
      }
      const width = widthFor(picture.img);
      const byWidth = batches.get(service) ?? new Map<number, Item[]>();
      batches.set(service, byWidth.set(width, [...(byWidth.get(width) ?? []), item]));
    }
    for (const [service, byWidth] of batches) for (const [width, items] of byWidth) this.#link(service, width, items);
  }

  #link(service: Service, width: number, items: readonly Item[]): void {
    const pose = this.#session.get();
    if (!pose) return;
    const key = (product: string) => `${width} ${product}`;
    const products = new Set(items.map(({ subject }) => subject.product ?? ""));
    const fresh = [...products].filter((product) => !this.#links.has(key(product)));
    for (let from = 0; from < fresh.length; from += MAX_LINKS) {
      const some = fresh.slice(from, from + MAX_LINKS);
      const links = service.links(pose.token, some, width, this.#minVerdict);
      for (const product of some) this.#links.set(key(product), links);
    }
    for (const item of items) {
      const links = this.#links.get(key(item.subject.product ?? ""));
      if (links) this.#enqueue(item, links);
    }
  }

  async #enqueue(item: Item, links: Promise<Map<string, string>>): Promise<void> {
    const { turn, subject } = item;
    try {
      const url = (await links).get(subject.product ?? "");
      if (url === undefined || item.turn !== turn) return;
      this.#queue.push(() => this.#show(item, turn, url));
      this.#run();
    } catch (error) {
      if (item.turn === turn) this.#failed(item, error);
    }
  }

  #run(): void {
    while (this.#holders.size === 0 && this.#running < PARALLEL) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#running++;
      next().finally(() => {
        this.#running--;
        this.#run();
      });
    }
  }

  async #show(item: Item, turn: number, url: string): Promise<void> {
    if (item.turn !== turn) return;
    if (!item.near) {
      item.state = null; // scrolled past; asked for again when it comes back
      return;
    }
    try {
      const linked = await fetchLinked(url, this.#abort.signal);
      if (item.turn === turn) await this.#put(item.subject, linked);
    } catch (error) {
      if (item.turn === turn) this.#failed(item, error);
    }
  }

  async #put(subject: Subject, { picture, verdict, reasons }: Linked): Promise<void> {
    const product = subject.product;
    if (verdict === "refused") {
      withdraw(subject);
      emit(subject.element, "tryon:refused", { product, codes: reasons });
      return;
    }
    if (!(await subject.picture?.show(picture, wordsFor(subject)))) return;
    subject.changed(picture);
    emit(subject.element, "tryon:rendered", { product, verdict, source: "listing" });
  }

  /** The photo stays; the next time that it comes into view is another try. */
  #failed(item: Item, error: unknown): void {
    const code = ApiError.is(error) ? error.code : "internal";
    if (code === "aborted") return;
    this.#links.clear();
    this.#restore(item);
    emit(item.subject.element, "tryon:error", { code });
    if (code === "expired_pose" || code === "invalid_pose") this.#session.forget();
  }
}

/** The words that a picture in a pose carries, in place of the photo's. */
export function wordsFor({ texts, picture }: Pick<Subject, "texts" | "picture">) {
  const label = texts.of("card.label");
  const alt = picture?.alt ? texts.of("card.alt", { alt: picture.alt }) : label;
  return { alt, title: label, "aria-description": label };
}

function withdraw(subject: Subject): void {
  subject.picture?.restore();
  subject.changed(null);
}

function stateOf(pose: KeptPose, item: Item): string {
  return `${item.subject.product} ${pose.token}`;
}

function widthFor(img: HTMLImageElement): number {
  const wanted = img.getBoundingClientRect().width * Math.min(devicePixelRatio, 2);
  return WIDTHS.find((width) => width >= wanted) ?? (WIDTHS.at(-1) as number);
}
