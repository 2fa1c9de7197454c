// Pictures that need the key, fetched one after another and kept as blob URLs while the page is open.
import { ServiceError } from "./service";

/** Calls at once: enough to keep the service busy, and it still answers shoppers. */
const AT_ONCE = 3;
/** Pictures kept; with thumbnails of 15 kB and overlays of 400 kB some tens of MB at most. */
const KEPT = 150;
/** Tries of a picture where the service is too busy. */
const TRIES = 4;
/** Seconds between two tries where the service doesn't say. */
const PAUSE = 2;

export class Pictures {
  readonly #kept = new Map<string, Promise<string>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** The URL of a picture. name: of its content, for the next time; left: nobody waits for it any more. */
  async get(name: string, load: () => Promise<Blob>, left: AbortSignal): Promise<string> {
    const known = await this.#kept.get(name)?.catch(() => undefined); // it may have been asked for by a panel since left
    if (known) return known;
    left.throwIfAborted();
    const made = this.#load(load, left);
    this.#kept.set(name, made);
    made.catch(() => this.#kept.delete(name));
    this.#dropOldest();
    return made;
  }

  clear(): void {
    for (const url of this.#kept.values()) revoke(url);
    this.#kept.clear();
  }

  async #load(load: () => Promise<Blob>, left: AbortSignal): Promise<string> {
    if (this.#running >= AT_ONCE) await new Promise<void>((go) => this.#waiting.push(go));
    this.#running += 1;
    try {
      return URL.createObjectURL(await patiently(load, left));
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  #dropOldest(): void {
    for (const [name, url] of this.#kept) {
      if (this.#kept.size <= KEPT) return;
      this.#kept.delete(name);
      revoke(url);
    }
  }
}

async function patiently(load: () => Promise<Blob>, left: AbortSignal): Promise<Blob> {
  for (let tries = 1; ; tries += 1) {
    left.throwIfAborted();
    try {
      return await load();
    } catch (error) {
      const busy = error instanceof ServiceError && ["rate_limited", "overloaded"].includes(error.code);
      if (!busy || tries === TRIES) throw error;
      await new Promise((go) => setTimeout(go, 1000 * (error.retryAfter ?? PAUSE)));
    }
  }
}

function revoke(url: Promise<string>): void {
  url.then(URL.revokeObjectURL, () => undefined);
}

/** Calls back once, when the element comes near the screen. */
export function whenNear(element: Element, near: () => void, left: AbortSignal): void {
  const watcher = new IntersectionObserver(
    (seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      watcher.disconnect();
      near();
    },
    { rootMargin: "300px" },
  );
  watcher.observe(element);
  left.addEventListener("abort", () => watcher.disconnect());
}
