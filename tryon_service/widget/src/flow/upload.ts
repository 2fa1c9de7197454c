// From a file to the pose in it: checked and made smaller here, sent with progress, looked at by the service.
import type { FoundPose } from "../host";
import { button, h } from "./dom";
import { box } from "./pictures";
import { poseStep } from "./pose";
import { type Photo, prepare } from "./prepare";
import type { Run, Step } from "./run";
import type { Scope } from "./scope";

/** Milliseconds after which the shopper is told that it takes longer than usual. */
export const SLOW = 8000;

/** source: a file as chosen, or the photo made of it when the same is tried again. */
export const uploadStep =
  (source: Blob | Photo, notice = ""): Step =>
  (run, scope) => {
    const bar = h("progress", { max: 1, "aria-label": run.say("upload.title") });
    const doing = h("p", { class: "doing" }, run.say("check.text"));
    const stage = box("photo busy");
    const work = async () => {
      const photo = source instanceof Blob ? await prepare(source, scope.signal) : source;
      scope.signal.throwIfAborted();
      stage.append(h("img", { src: run.holdPhoto(photo).url, alt: run.say("upload.photo") }));
      return send(run, scope, photo, bar, doing);
    };
    const retry: Step = (again, next) => uploadStep(run.photo ?? source, notice)(again, next);
    void run.attempt(scope, work(), (found) => run.go(poseStep(found), notice), retry);
    return {
      name: "upload",
      title: run.say("upload.title"),
      stage: [stage],
      body: [bar, doing],
      actions: [button("secondary", run.say("dialog.cancel"), () => run.go(run.again))],
      back: run.again,
    };
  };

async function send(
  run: Run,
  scope: Scope,
  photo: Photo,
  bar: HTMLProgressElement,
  doing: HTMLElement,
): Promise<FoundPose> {
  const tell = (words: string) => {
    doing.textContent = words;
    run.frame.announce(words);
  };
  const onProgress = (share: number) => {
    if (scope.ended) return;
    if (share < 1) {
      bar.value = share;
      doing.textContent = run.say("upload.sending", { percent: Math.floor(share * 100) });
    } else {
      bar.removeAttribute("value"); // how long the service takes can't be told
      tell(run.say("upload.looking"));
    }
  };
  tell(run.say("upload.sending", { percent: 0 }));
  bar.value = 0;
  scope.after(SLOW, () => tell(run.say("upload.slow")));
  return run.host.api.pose(photo.blob, onProgress, scope.signal);
}
