// Where widget tokens come from. They live for minutes, so every page that stays open needs new ones.
import { ApiError } from "./api-error";

/** Answers a token, and the products that it was asked for; null where the store didn't need to be told. */
type Ask = (products: readonly string[]) => Promise<{ token: string; products: readonly string[] | null }>;

/** Milliseconds that the store has for setting a card's token, once its listener said that it will. */
const STORE_ANSWERS = 5000;

/** A token and the way to the next one. Calls in parallel share one renewal. */
export class TokenSource {
  #token: string | null;
  #products: ReadonlySet<string> | null = null;
  #ask: Ask;
  #renewal: Promise<string> | null = null;

  constructor(token: string | null, ask: Ask) {
    this.#token = token;
    this.#ask = ask;
  }

  /** A token good for these products, as far as is known here. Rejects with an ApiError. */
  async get(products: readonly string[]): Promise<string> {
    const covered = this.#products === null || products.every((product) => this.#products?.has(product));
    return this.#token !== null && covered ? this.#token : this.renew(this.#token, products);
  }

  /** Another token than the one refused. Rejects with an ApiError, "token_expired" where the store has none. */
  renew(refused: string | null, products: readonly string[]): Promise<string> {
    if (this.#token !== null && this.#token !== refused) return Promise.resolve(this.#token);
    this.#renewal ??= this.#renew(products).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(products: readonly string[]): Promise<string> {
    const answer = await this.#ask(products);
    this.#products = answer.products && new Set(answer.products);
    this.#token = answer.token;
    return answer.token;
  }
}

/** The store's backend mints: POST {"products": [...]} answers {"token": "..."}. onPage: ids that the page shows. */
export function fromUrl(url: string, onPage: () => Iterable<string>): Ask {
  return async (wanted) => {
    const products = [...new Set([...onPage(), ...wanted])];
    const response = await fetch(new URL(url, document.baseURI), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ products }),
      credentials: "same-origin",
      cache: "no-store",
    }).catch(() => {
      throw new ApiError("offline", { retryable: true });
    });
    const { status } = response;
    if (status >= 500) throw new ApiError("internal", { status, retryable: true });
    const token = response.ok ? (await response.json().catch(() => null))?.token : null;
    if (typeof token !== "string") throw new ApiError("token_expired", { status });
    return { token, products };
  };
}

/** The store's script sets it. announce: tells the store how to, and answers whether the store said that it will. */
export function fromStore(announce: (set: (token: string) => void) => boolean): Ask {
  return () =>
    new Promise((resolve, reject) => {
      let done = false;
      const promised = announce((token) => {
        done = true;
        resolve({ token, products: null });
      });
      if (!done) setTimeout(() => reject(new ApiError("token_expired")), promised ? STORE_ANSWERS : 0);
    });
}
