// What every panel of the page works with.
import type { Pictures } from "./pictures";
import type { Service } from "./service";

export interface App {
  readonly service: Service;
  readonly pictures: Pictures;
  /** Goes to another panel: "" for the products, "new", "p/sku-1". */
  go(route: string): void;
  /** Says something to those who don't see it, and shows it for a while where `shown`. */
  say(words: string, shown?: boolean): void;
  /** An error in words; one that says that the key is gone asks for another first. */
  wordsOf(error: unknown): string;
}

/** What is shown below the header. Functions that make one get `left`, aborted when another takes its place. */
export interface Panel {
  /** For the window. */
  readonly title: string;
  readonly body: HTMLElement;
}

/** The address of a panel within this page. */
export function hash(route: string): string {
  return `#/${route}`;
}

export function productRoute(id: string): string {
  return `p/${encodeURIComponent(id)}`;
}
