// An <img data-tryon-product> of the page, without a card: it is switched, and that is all.
import type { Subject } from "./listing";
import type { Page } from "./page";
import { Picture } from "./picture";

/** A card looks after its own pictures. */
export const PICTURES = "img[data-tryon-product]:not(try-on-card *)";

export function imageSubject(img: HTMLImageElement, page: Page): Subject {
  return {
    element: img,
    picture: new Picture(img),
    get product() {
      return img.dataset.tryonProduct || null;
    },
    get texts() {
      return page.textsFor(img);
    },
    get service() {
      return page.service;
    },
    changed() {
      // nothing of the page's depends on it
    },
  };
}
