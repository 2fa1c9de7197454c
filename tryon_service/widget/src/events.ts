import type { TryOnEvent } from "./host";

/** False where a listener called preventDefault. Details never hold a photo, a token or keypoints. */
export function emit(target: EventTarget, name: TryOnEvent, detail: object = {}, cancelable = false): boolean {
  return target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }));
}
