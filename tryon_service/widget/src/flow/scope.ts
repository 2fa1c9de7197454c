/**
 * What a step of the flow, or the whole dialog, has begun and must not leave behind: calls, listeners, timers, camera
 * tracks, object URLs. end() ends all of it, once.
 */
export class Scope {
  readonly #over = new AbortController();

  /** Aborted at the end: for fetches and listeners. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get ended(): boolean {
    return this.#over.signal.aborted;
  }

  /** Calls back at the end; at once if that was before. */
  onEnd(undo: () => void): void {
    if (this.ended) undo();
    else this.signal.addEventListener("abort", undo, { once: true });
  }

  /** An object URL that lives as long as this scope. */
  url(blob: Blob): string {
    const url = URL.createObjectURL(blob);
    this.onEnd(() => URL.revokeObjectURL(url));
    return url;
  }

  listen<T extends Event>(target: EventTarget, type: string, heard: (event: T) => void): void {
    target.addEventListener(type, heard as EventListener, { signal: this.signal });
  }

  /** Calls back every so many milliseconds; answers the function that stops it. */
  every(milliseconds: number, tick: () => void): () => void {
    const timer = setInterval(tick, milliseconds);
    const stop = () => clearInterval(timer);
    this.onEnd(stop);
    return stop;
  }

  after(milliseconds: number, act: () => void): void {
    const timer = setTimeout(act, milliseconds);
    this.onEnd(() => clearTimeout(timer));
  }

  end(): void {
    this.#over.abort();
  }
}
