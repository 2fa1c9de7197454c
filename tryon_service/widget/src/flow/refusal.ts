// A photo that won't do, or a product picture that can't follow: what to do instead.
import { ApiError } from "../api-error";
import { advice, isRefusal } from "./advice";
import { posture } from "./art";
import { acceptPhotos, chooseStep, fileButton } from "./choose";
import { button, h } from "./dom";
import { forgetButton } from "./forget";
import { PhotoProblem } from "./photo-problem";
import { ownPhoto, productPhoto } from "./pictures";
import type { Step } from "./run";

/** Whether another photo is the answer: the service refused this one, or it was never sent. */
export function isAboutPhoto(error: unknown): error is ApiError | PhotoProblem {
  return error instanceof PhotoProblem || (ApiError.is(error) && isRefusal(error.code));
}

export const refusalStep =
  (problem: ApiError | PhotoProblem): Step =>
  (run, scope) => {
    const { sentences, product } = advice(run.host.texts, problem);
    const [first, ...more] = sentences;
    const area = product
      ? productPhoto(run, scope)
      : (ownPhoto(run, "upload.photo") ?? h("div", { class: "drop" }, posture()));
    acceptPhotos(run, scope, area);
    const fromCamera = run.again !== chooseStep;
    const another = button("primary", run.say("refusal.camera"), () => run.go(run.again), "camera");
    return {
      name: "refusal",
      title: run.say(product ? "refusal.title.product" : "refusal.title"),
      text: first ?? run.say("refusal.no_person"),
      stage: [area],
      body: more.length ? [h("ul", { class: "tips" }, ...more.map((words) => h("li", {}, words)))] : [],
      actions: [
        ...(fromCamera ? [another, ...fileButton(run, "secondary")] : fileButton(run, "primary", "refusal.another")),
        ...(run.host.session.get() ? [forgetButton(run)] : []),
      ],
      back: chooseStep,
    };
  };
