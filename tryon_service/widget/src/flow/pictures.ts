// Pictures on the picture side, each in a box of its own shape (see stage.css).
import { h } from "./dom";
import type { Run } from "./run";
import type { Scope } from "./scope";

/** A box for pictures that takes the first one's shape; until then it has that of the step before. */
export function box(name: string, ...children: readonly Element[]): HTMLElement {
  const made = h("div", { class: `box ${name}` }, ...children);
  for (const type of ["load", "loadedmetadata", "resize"]) made.addEventListener(type, shape, { capture: true });
  return made;
}

/** These events don't bubble: they are caught on their way down. */
function shape({ currentTarget }: Event): void {
  if (!(currentTarget instanceof HTMLElement)) return;
  const first = currentTarget.querySelector<HTMLImageElement | HTMLVideoElement>("img, video");
  if (!first) return;
  const [width, height] =
    first instanceof HTMLVideoElement
      ? [first.videoWidth, first.videoHeight]
      : [first.naturalWidth, first.naturalHeight];
  if (!height) return;
  // The next step most often shows a picture of the same shape: its box has it at once, and nothing jumps.
  for (const one of [currentTarget, currentTarget.closest<HTMLElement>(".stage")])
    one?.style.setProperty("--ratio", String(width / height));
}

/** The product photo as it was; an empty box where it can't be had, for it only keeps company. */
export function productPhoto(run: Run, scope: Scope): HTMLElement {
  const made = box("photo");
  run.host.before().then(
    (src) => {
      if (!scope.ended) made.append(h("img", { src, alt: run.host.alt, referrerpolicy: "no-referrer" }));
    },
    () => {},
  );
  return made;
}

/** The shopper's own photo, if it is still in hand. words: key of what it shows. */
export function ownPhoto(run: Run, words: "upload.photo" | "pose.photo"): HTMLElement | null {
  return run.photo && box("photo", h("img", { src: run.photo.url, alt: run.say(words) }));
}
