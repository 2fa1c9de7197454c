// Choosing a photo: from the device, dropped, pasted, or the way to the camera.
import { posture } from "./art";
import { cameraStep } from "./camera";
import { button, h, icon } from "./dom";
import type { Run, Step } from "./run";
import type { Scope } from "./scope";
import { uploadStep } from "./upload";

/** Asks for any picture: a phone then offers its gallery, and turns HEIC into JPEG by itself. */
const PICTURES = "image/*";
const TIPS = ["choose.tip.whole", "choose.tip.front", "choose.tip.alone"];

export const chooseStep: Step = (run, scope) => {
  run.again = chooseStep;
  run.dropPhoto();
  const area = h("div", { class: "drop" }, posture(), h("p", { class: "hint" }, run.say("choose.drop")));
  acceptPhotos(run, scope, area);
  return {
    name: "choose",
    title: run.say("choose.title"),
    stage: [area],
    body: [h("ul", { class: "tips" }, ...TIPS.map((key) => h("li", {}, icon("check"), h("span", {}, run.say(key)))))],
    actions: [...fileButton(run, "primary"), ...cameraButton(run)],
  };
};

/** A button that opens the browser's file dialog, with the input it presses. */
export function fileButton(run: Run, kind: "primary" | "secondary", words = "choose.file"): Node[] {
  const input = h("input", { type: "file", accept: PICTURES, hidden: true, "aria-label": run.say(words) });
  input.addEventListener("change", () => take(run, input.files));
  return [button(kind, run.say(words), () => input.click(), "photo"), input];
}

/** The way to the camera; nothing where the page may not use one. */
function cameraButton(run: Run): Node[] {
  if (!navigator.mediaDevices?.getUserMedia) return [];
  return [button("secondary", run.say("choose.camera"), () => run.go(cameraStep()), "camera")];
}

/** While the step lasts a photo may also be pasted, or dropped anywhere; area is marked meanwhile. */
export function acceptPhotos(run: Run, scope: Scope, area: HTMLElement): void {
  scope.listen<DragEvent>(window, "drop", (event) => take(run, event.dataTransfer?.files));
  scope.listen<ClipboardEvent>(window, "paste", (event) => take(run, event.clipboardData?.files));
  const mark = (over: boolean) => area.classList.toggle("over", over);
  scope.listen(window, "dragover", () => mark(true));
  scope.listen<DragEvent>(window, "dragleave", (event) => mark(event.relatedTarget !== null));
}

/** Goes on with the first photo of several, and says so. */
function take(run: Run, files: FileList | null | undefined): void {
  const all = [...(files ?? [])];
  const file = all.find(({ type }) => type.startsWith("image/")) ?? all[0];
  if (file) run.go(uploadStep(file, all.length > 1 ? run.say("choose.several", { count: all.length }) : ""));
  else run.go(chooseStep, run.say("choose.nothing"));
}
