// What the eager part (the card) and the lazy part (the flow) of the widget promise each other: types only.
import type { Tables } from "./texts";

export type Verdict = "accepted" | "doubtful";

/** What flow.js exports: `flow` opens the dialog, `texts` are the words it says. */
export interface FlowModule {
  readonly flow: Flow;
  readonly texts: Tables;
}

export interface Flow {
  open(host: FlowHost): void;
}

/**
 * The card as the flow sees it. The flow opens a <dialog>; while it waits for its first picture the card holds back the
 * other pictures of the page, until show(), reset() or the dialog has left the root.
 */
export interface FlowHost {
  readonly element: HTMLElement;
  /** The card's shadow root; the dialog is appended to it and removed on closing. */
  readonly root: ShadowRoot;
  readonly product: string;
  readonly alt: string;
  readonly lang: string;
  readonly minVerdict: Verdict;
  /** "#rrggbb", "product" or "transparent", in the order they are offered. */
  readonly backgrounds: readonly string[];
  readonly theme: "light" | "dark" | "auto";
  readonly texts: Texts;
  readonly api: Api;
  readonly session: Session;
  /** URL of the product photo as it was before any try-on. */
  before(): Promise<string>;
  /** The card itself now shows this picture. */
  show(picture: Blob, verdict: Verdict): void;
  /** The card shows its own photo again. */
  reset(): void;
  /** False where a listener called preventDefault on a cancelable event. */
  emit(name: TryOnEvent, detail: object, cancelable?: boolean): boolean;
}

/** The card itself emits ready, opened and token-expired, and rendered and refused with source "listing". */
export type TryOnEvent =
  | "tryon:ready"
  | "tryon:opened"
  | "tryon:pose"
  | "tryon:rendered"
  | "tryon:refused"
  | "tryon:error"
  | "tryon:forgotten"
  | "tryon:token-expired";

export interface Texts {
  /** The language of the words, as BCP 47 ("en", "ru", or the store's own). */
  readonly lang: string;
  has(key: string): boolean;
  /** The words for a key, {name} replaced by values.name; the key itself where no language has it. */
  of(key: string, values?: Readonly<Record<string, string | number>>): string;
}

/** A pose kept for the visit; an expired one is never returned. */
export interface KeptPose {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expires: number;
  /** "front", "three_quarter", "side" or "back" as the service found it; null where unknown. */
  readonly view: string | null;
}

export interface Session {
  get(): KeptPose | null;
  keep(pose: KeptPose): void;
  forget(): void;
  /** Whether the shopper agreed, this visit, to send a photo; forget() takes it back. */
  readonly consented: boolean;
  consent(): void;
  /** Calls back after keep, forget and expiry; answers the function that ends it. */
  subscribe(changed: () => void): () => void;
}

export interface FoundPose extends KeptPose {
  /** COCO-18 joints in pixels of the photo sent: [x, y, seen], seen 0 where the joint wasn't found. */
  readonly joints: readonly (readonly [number, number, 0 | 1])[];
  /** Size of the photo sent, pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Rendered {
  readonly picture: Blob;
  readonly verdict: Verdict;
  /** Codes of what makes a doubtful picture doubtful. */
  readonly reasons: readonly string[];
  /** Media type of the picture, such as "image/webp". */
  readonly type: string;
}

/** One reason of a refusal, as the service's problem document has it. */
export interface Reason {
  readonly code: string;
  /** "shopper", "product" or "product[i]"; may be empty. */
  readonly photo: string;
  /** Of the body, or the measure; may be empty. */
  readonly part: string;
  readonly value: number | null;
  readonly limit: number | null;
}

/** All calls reject with an ApiError (see api-error.ts). */
export interface Api {
  /** onProgress gets the share of the upload sent, 0 to 1. */
  pose(photo: Blob, onProgress: (share: number) => void, signal: AbortSignal): Promise<FoundPose>;
  /** background: "product", "transparent" or "#rrggbb"; minVerdict: the weakest that still gets a picture. */
  render(
    pose: string,
    product: string,
    background: string,
    minVerdict: Verdict,
    signal: AbortSignal,
  ): Promise<Rendered>;
  /** Signed picture links by product, in the pose; products the service doesn't know are missing. Width in pixels. */
  links(pose: string, products: readonly string[], width: number, minVerdict: Verdict): Promise<Map<string, string>>;
  /** A signed link to the product's own photo, fitted into a width in pixels. */
  photo(product: string, width: number): Promise<string>;
}
