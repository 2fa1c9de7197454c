// Reasons of a refusal become sentences that say what to do.
import type { ApiError } from "../api-error";
import type { Reason, Texts } from "../host";
import type { PhotoProblem } from "./photo-problem";

/** Codes that another photo, or another product, is the answer to; texts "refusal.<code>". */
const REFUSALS = new Set([
  "no_person",
  "several_people",
  "person_too_small",
  "body_cropped",
  "joint_hidden",
  "back_view",
  "side_view",
  "view_mismatch",
  "pose_too_different",
  "limb_behind_body",
  "garment_not_visible",
  "no_model_in_product",
  "renderer_unjudged",
  "low_light",
  "blurred",
  "unsupported_task",
  "not_an_image",
  "unsupported_format",
  "truncated_image",
  "too_many_pixels",
  "too_many_bytes",
  "too_many_frames",
  "image_too_small",
]);
/** Codes that have a sentence of their own about the product picture; the others share "refusal.product". */
const OF_PRODUCT = new Set(["limb_behind_body", "garment_not_visible", "no_model_in_product", "renderer_unjudged"]);
/** Sentences shown, at most: nobody corrects more than that at once. */
const MOST = 3;

/** What the service calls a joint or a part of the body, by how it ends, and the word for it: "joint.<zone>". */
const ZONES: readonly (readonly [RegExp, string])[] = [
  [/(ankle|heel|foot|foot_index)$/, "feet"],
  [/(knee|shin|thigh)$/, "legs"],
  [/hip$/, "hips"],
  [/(wrist|hand|pinky|index|thumb)$/, "hands"],
  [/(elbow|arm)$/, "arms"],
  [/shoulder$/, "shoulders"],
  [/torso$/, "body"],
  [/(nose|eye|eye_inner|eye_outer|ear|mouth|head|neck)$/, "head"],
];

export interface Advice {
  readonly sentences: readonly string[];
  /** All of it is about the product picture, none about the shopper's photo. */
  readonly product: boolean;
}

export function isRefusal(code: string): boolean {
  return REFUSALS.has(code);
}

export function advice(texts: Texts, problem: ApiError | PhotoProblem): Advice {
  const reasons = "reasons" in problem ? problem.reasons : [];
  if (!reasons.length) {
    const values = "values" in problem ? problem.values : {};
    return { sentences: [texts.of(`refusal.${problem.code}`, values)], product: OF_PRODUCT.has(problem.code) };
  }
  const own = reasons.filter((reason) => !isOfProduct(reason));
  const product = own.length === 0;
  const sentences = [...byCode(product ? reasons : own)].map(([code, parts]) => sentence(texts, code, parts, product));
  return { sentences: [...new Set(sentences)].slice(0, MOST), product };
}

function isOfProduct({ code, photo }: Reason): boolean {
  return OF_PRODUCT.has(code) || (photo ?? "").startsWith("product");
}

/** The zones that each code names, in the order of the reasons. */
function byCode(reasons: readonly Reason[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { code, part } of reasons) {
    const zones = found.get(code) ?? new Set();
    const zone = zoneOf(part ?? "");
    if (zone) zones.add(zone);
    found.set(code, zones);
  }
  return found;
}

export function zoneOf(part: string): string | null {
  return ZONES.find(([ending]) => ending.test(part))?.[1] ?? null;
}

/** With the parts of the body named where the texts have a sentence for that. */
function sentence(texts: Texts, code: string, zones: ReadonlySet<string>, product: boolean): string {
  if (product && !OF_PRODUCT.has(code)) return texts.of("refusal.product");
  const named = `refusal.${code}.joints`;
  if (zones.size > 0 && texts.has(named)) {
    const joints = [...zones].map((zone) => texts.of(`joint.${zone}`));
    return texts.of(named, { joints: listed(joints, texts.lang) });
  }
  return texts.of(texts.has(`refusal.${code}`) ? `refusal.${code}` : "refusal.other");
}

/** "feet, legs and hands"; with commas alone where the page's language isn't one the browser knows. */
function listed(words: readonly string[], lang: string): string {
  try {
    return new Intl.ListFormat(lang, { type: "conjunction" }).format(words);
  } catch {
    return words.join(", ");
  }
}
