// What is kept for the visit: the pose token and that the shopper agreed. Never a photo.
import type { KeptPose, Session } from "./host";

const POSE = "tryon:pose";
const CONSENT = "tryon:consent";
/** Milliseconds that a timer can wait; longer ones go off at once. */
const LONGEST = 2 ** 31 - 1;

export class Visit implements Session {
  #listeners = new Set<() => void>();
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    // A page out of the back/forward cache has missed what other pages of the visit kept or forgot.
    addEventListener("pageshow", (event) => event.persisted && this.#announce());
    this.#schedule();
  }

  get(): KeptPose | null {
    const pose = parse(read(POSE));
    if (pose && pose.expires * 1000 > Date.now()) return pose;
    write(POSE, null);
    return null;
  }

  keep({ token, expires, view }: KeptPose): void {
    write(POSE, JSON.stringify({ token, expires, view }));
    this.#announce();
  }

  forget(): void {
    write(POSE, null);
    write(CONSENT, null);
    this.#announce();
  }

  get consented(): boolean {
    return read(CONSENT) !== null;
  }

  consent(): void {
    write(CONSENT, "yes");
  }

  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  #announce(): void {
    this.#schedule();
    for (const changed of this.#listeners) changed();
  }

  #schedule(): void {
    clearTimeout(this.#expiry);
    const pose = this.get();
    if (pose) this.#expiry = setTimeout(() => this.#announce(), Math.min(pose.expires * 1000 - Date.now(), LONGEST));
  }
}

/** Stands in where the browser denies storage to the page: what is kept then ends with the page. */
const memory = new Map<string, string>();

function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return memory.get(key) ?? null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    if (value === null) memory.delete(key);
    else memory.set(key, value);
  }
}

/** Null for what isn't a pose: any script of the shop may have written there. */
function parse(text: string | null): KeptPose | null {
  try {
    const { token, expires, view } = JSON.parse(text ?? "null");
    if (typeof token !== "string" || typeof expires !== "number") return null;
    return { token, expires, view: typeof view === "string" ? view : null };
  } catch {
    return null;
  }
}
