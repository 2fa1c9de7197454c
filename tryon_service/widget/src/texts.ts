// The words of the widget: its own English and Russian, the store's texts over them.
import type { Texts } from "./host";

/** Words by key, such as "card.try". */
export type Table = Readonly<Record<string, string>>;
/** Tables by primary language subtag, such as "en". */
export type Tables = Readonly<Record<string, Table>>;

/** Where a key has no words in the page's language. */
const FALLBACK = "en";

export class Wording implements Texts {
  readonly lang: string;
  readonly #own: Table[] = [];
  readonly #store: Table[] = [];

  constructor(lang: string) {
    this.lang = lang;
  }

  /** Adds words that a bundle brings along. */
  learn(tables: Tables): this {
    const primary = this.lang.toLowerCase().split("-")[0] ?? FALLBACK;
    for (const table of [tables[primary], tables[FALLBACK]]) if (table) this.#own.push(table);
    return this;
  }

  /** The store's own words, over all others; the last call wins. */
  override(table: Table): this {
    this.#store.unshift(table);
    return this;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  of(key: string, values: Readonly<Record<string, string | number>> = {}): string {
    const words = this.#find(key) ?? key;
    return words.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
  }

  #find(key: string): string | undefined {
    for (const table of [...this.#store, ...this.#own]) {
      // Own strings only: the store's JSON may hold anything, and every object knows "constructor".
      const words = Object.hasOwn(table, key) ? table[key] : undefined;
      if (typeof words === "string") return words;
    }
    return undefined;
  }
}

/** The language of an element: the closest lang attribute, also above the shadow roots that it is in. */
export function langOf(element: Element): string {
  const lang = element.closest("[lang]")?.getAttribute("lang");
  if (lang) return lang;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? langOf(root.host) : FALLBACK;
}

const fetched = new Map<string, Promise<Table>>();

/** The store's texts at this address; none where it has none, as the browser's console tells whoever put it there. */
export function tableAt(url: string): Promise<Table> {
  const { href } = new URL(url, document.baseURI);
  const known = fetched.get(href);
  if (known) return known;
  const table = fetch(href, { headers: { Accept: "application/json" } })
    .then((response): Promise<Table | null> | Table => (response.ok ? response.json() : {}))
    .then((found) => (typeof found === "object" ? (found ?? {}) : {}))
    .catch(() => ({}));
  fetched.set(href, table);
  return table;
}
