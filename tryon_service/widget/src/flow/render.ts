// The picture is being made: the product photo keeps the shopper company.
import type { KeptPose } from "../host";
import { button, h } from "./dom";
import { productPhoto } from "./pictures";
import { resultStep, type Shown } from "./result";
import type { Run, Step } from "./run";
import type { Scope } from "./scope";
import { SLOW } from "./upload";

export const renderStep =
  (pose: KeptPose): Step =>
  (run, scope) => {
    const stage = productPhoto(run, scope);
    stage.classList.add("busy");
    const slow = h("p", { class: "doing" });
    scope.after(SLOW, () => {
      slow.textContent = run.say("upload.slow");
      run.frame.announce(run.say("upload.slow"));
    });
    void run.attempt(scope, rendered(run, scope, pose), (first) => run.go(resultStep(pose, first)), renderStep(pose));
    return {
      name: "render",
      title: run.say("render.title"),
      text: run.say("render.text"),
      stage: [stage],
      body: [h("progress", { "aria-label": run.say("render.title") }), slow],
      actions: [
        button("secondary", run.say("dialog.cancel"), run.close),
        button("quiet", run.say("result.another"), () => run.go(run.again)),
      ],
    };
  };

/** Over the background offered first, which the card takes over; with the photo to compare it with, if it can be had. */
async function rendered(run: Run, scope: Scope, pose: KeptPose): Promise<Shown> {
  const { host } = run;
  const { api, product, backgrounds, minVerdict } = host;
  const [rendered, before] = await Promise.all([
    api.render(pose.token, product, backgrounds[0] ?? "product", minVerdict, scope.signal),
    host.before().catch(() => null),
  ]);
  if (!scope.ended) host.emit("tryon:rendered", { product, verdict: rendered.verdict, source: "flow" });
  return { rendered, before };
}
