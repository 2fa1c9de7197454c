// The scores of a picture as plain bars: the few that say most, then all.
import { make } from "./dom";
import { named, plain, t } from "./texts";
import { partName } from "./words";

/** What a shop looks at first, in this order. */
const FIRST = ["quality", "coverage", "limbs_whole", "torso_whole", "pose_agreement", "no_seams"];
/** What the score of one limb's wholeness begins with. */
const WHOLE = "whole_";

/** scores: in [0, 1], 1 is flawless. */
export function figures(scores: Readonly<Record<string, number>>): HTMLElement {
  const names = Object.keys(scores);
  const rest = names.filter((name) => !FIRST.includes(name)).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  const first = FIRST.filter((name) => names.includes(name));
  const all = make("details", {}, make("summary", {}, t("trial.all", { n: names.length })), bars(rest, scores));
  const head = make("h3", {}, t("trial.figures"), " ", make("small", {}, t("trial.figures.note")));
  return make("div", { class: "figures" }, head, bars(first, scores), rest.length > 0 && all);
}

function bars(names: readonly string[], scores: Readonly<Record<string, number>>): HTMLElement {
  const rows = names.map((name) => {
    const score = scores[name] ?? 0;
    const words = scoreName(name);
    const percent = Math.floor(100 * score); // 100 only where nothing is lost
    return make(
      "li",
      {},
      make("span", {}, words),
      make("meter", { value: score, min: 0, max: 1, "aria-label": words }),
      make("b", {}, String(percent)),
    );
  });
  return make("ul", { class: "bars" }, ...rows);
}

function scoreName(name: string): string {
  if (name.startsWith(WHOLE)) return t("score.whole", { part: partName(name.slice(WHOLE.length)) });
  return named("score", name) ?? plain(name);
}
