// Verdicts, reasons and errors of the service in the words of those who look after a shop.
import { make } from "./dom";
import { type Product, type Reason, ServiceError, type StoredPhoto } from "./service";
import { named, number, plain, t } from "./texts";

const SIGNS = { good: "✓", fair: "!", poor: "✕" } as const;

/** Whether all of a product's photos can be used. */
export function isReady(product: Product): boolean {
  return unusable(product) === 0;
}

/** A word with a sign before it, so that its colour isn't all that tells. */
export function mark(kind: keyof typeof SIGNS, words: string): HTMLElement {
  return make("span", { class: `mark ${kind}` }, make("span", { "aria-hidden": "true" }, SIGNS[kind]), words);
}

/** How many of a product's photos can be used. */
export function gradeMark(product: Product): HTMLElement {
  const [bad, n] = [unusable(product), product.photos.length];
  if (bad === 0) return mark("good", t("mark.ready"));
  return bad < n ? mark("fair", t("mark.some", { bad, n })) : mark("poor", t("mark.none"));
}

export function photoMark(photo: StoredPhoto): HTMLElement {
  return photo.reasons.length ? mark("poor", t("photos.unusable")) : mark("good", t("photos.usable"));
}

/** Which photo a reason or a field is about, counted from 0; null for none of the product's. */
export function photoIndex(name: string): number | null {
  const found = /^(?:product|photos|views)\[(\d+)\]/.exec(name);
  if (found) return Number(found[1]);
  return name === "product" ? 0 : null;
}

/** Reasons as a list: what was found, where and how much, and what to do about it.
 *
 * own: the pose is that of a photo of one's own, which can be done better too; photos: how many the product has. */
export function reasonList(reasons: readonly Reason[], own = false, photos = 1): HTMLElement {
  const items = byCode(reasons).map(([first, ...others]) => {
    const parts = [...new Set([first, ...others].map(({ part }) => part && partName(part)))];
    const where = [parts.join(", "), others.length === 0 && measured(first)].filter(Boolean).join("; ");
    const index = photoIndex(first.photo);
    const text = reasonWords(first.code);
    const words = index !== null && photos > 1 ? t("reason.photo", { n: index + 1, text }) : text;
    const advice = (own && first.photo === "shopper" && named("own", first.code)) || named("advice", first.code);
    return make(
      "li",
      {},
      make("span", { class: "found" }, words),
      advice && make("span", { class: "advice" }, advice),
      where && make("small", {}, where),
    );
  });
  return make("ul", { class: "reasons" }, ...items);
}

export function reasonWords(code: string): string {
  return named("reason", code) ?? named("error", code) ?? plain(code);
}

export function partName(part: string): string {
  return named("part", part) ?? named("score", part) ?? plain(part);
}

/** Any error in words, with the call's id where somebody may want to look it up. */
export function errorWords(error: unknown): string {
  if (!(error instanceof ServiceError)) return t("error.internal");
  const words = [reasonWords(error.code), named("advice", error.code)];
  if (error.code === "invalid_option" || error.code === "missing_field") words.push(error.message);
  if (error.code === "internal" && error.requestId) words.push(t("error.id", { id: error.requestId }));
  return words.filter(Boolean).join(" ");
}

/** The same code about the same photo is one reason, however many parts of the body it concerns. */
function byCode(reasons: readonly Reason[]): [Reason, ...Reason[]][] {
  const groups = new Map<string, [Reason, ...Reason[]]>();
  for (const reason of reasons) {
    const group = groups.get(`${reason.code} ${reason.photo}`);
    if (group) group.push(reason);
    else groups.set(`${reason.code} ${reason.photo}`, [reason]);
  }
  return [...groups.values()];
}

function measured({ value, limit }: Reason): string {
  return value === null || limit === null ? "" : t("reason.measured", { value: number(value), limit: number(limit) });
}

function unusable({ photos }: Product): number {
  return photos.filter(({ reasons }) => reasons.length > 0).length;
}
