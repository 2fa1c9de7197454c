// What is sent, what is kept and whose photo it may be: said before anything else, agreed to once a visit.
import { chooseStep } from "./choose";
import { button, h, type Icon, icon } from "./dom";
import { productPhoto } from "./pictures";
import type { Step } from "./run";

const POINTS: readonly (readonly [Icon, string])[] = [
  ["send", "consent.sent"],
  ["lock", "consent.kept"],
  ["person", "consent.who"],
];

export const consentStep: Step = (run, scope) => {
  const agree = () => {
    run.host.session.consent();
    run.go(chooseStep);
  };
  const points = POINTS.map(([sign, key]) => h("li", {}, icon(sign), h("span", {}, run.say(key))));
  return {
    name: "consent",
    title: run.say("consent.title"),
    text: run.say("consent.text"),
    stage: [productPhoto(run, scope)],
    body: [h("ul", { class: "points" }, ...points)],
    actions: [
      button("primary", run.say("consent.agree"), agree),
      button("quiet", run.say("consent.decline"), run.close),
    ],
  };
};
