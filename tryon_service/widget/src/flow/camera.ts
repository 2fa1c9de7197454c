// The camera: an outline to stand in, a countdown, and a photo that isn't mirrored as the preview is.
import { outline, posture } from "./art";
import { chooseStep, fileButton } from "./choose";
import { button, h } from "./dom";
import { box } from "./pictures";
import { drawn } from "./prepare";
import type { Run, Step, View } from "./run";
import type { Scope } from "./scope";
import { uploadStep } from "./upload";

/** Upright and large enough for a body from head to feet. */
const WANTED: MediaStreamConstraints = {
  video: { facingMode: "user", width: { ideal: 1080 }, height: { ideal: 1920 } },
  audio: false,
};
/** Seconds to walk back in. */
const TIMERS = [3, 5, 10];
const USUAL = 10;
/** What getUserMedia's errors mean to a shopper; all others are "none". */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotReadableError: "busy",
  AbortError: "busy",
};

type Trouble = "denied" | "none" | "busy" | "paused";

export const cameraStep =
  (seconds = USUAL): Step =>
  (run, scope) => {
    run.again = cameraStep(seconds);
    const viewer = new Viewer(run, scope, seconds);
    void viewer.start();
    return {
      name: "camera",
      title: run.say("camera.title"),
      text: run.say("camera.text"),
      stage: [viewer.element],
      body: [viewer.timers],
      actions: [viewer.trigger],
      back: chooseStep,
    };
  };

/** Why there is no camera, and the ways on. */
const troubleStep =
  (trouble: Trouble): Step =>
  (run): View => ({
    name: "refusal",
    title: run.say(trouble === "paused" ? "camera.paused.title" : "camera.trouble"),
    text: run.say(`camera.${trouble}`),
    stage: [h("div", { class: "drop" }, posture())],
    actions: [
      button("primary", run.say("camera.again"), () => run.go(cameraStep()), "camera"),
      ...fileButton(run, "secondary"),
    ],
    back: chooseStep,
  });

class Viewer {
  readonly element: HTMLElement;
  readonly timers: HTMLFieldSetElement;
  readonly trigger: HTMLButtonElement;
  readonly #run: Run;
  readonly #scope: Scope;
  readonly #video: HTMLVideoElement;
  readonly #digits = h("p", { class: "digits", "aria-hidden": "true" });
  #seconds: number;
  #stopCount: (() => void) | null = null;

  constructor(run: Run, scope: Scope, seconds: number) {
    this.#run = run;
    this.#scope = scope;
    this.#seconds = seconds;
    this.#video = h("video", { class: "mirrored", playsinline: true, "aria-label": run.say("camera.preview") });
    this.#video.muted = true;
    this.element = box("viewer", this.#video, this.#digits);
    for (const type of ["loadedmetadata", "resize"]) this.#video.addEventListener(type, () => this.#outline());
    this.timers = this.#choices();
    this.trigger = button("primary", run.say("camera.starting"), () => this.#press(), "camera");
    this.trigger.disabled = true;
    scope.listen(document, "visibilitychange", () => document.hidden && run.go(troubleStep("paused")));
  }

  async start(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia(WANTED);
      this.#scope.onEnd(() => {
        for (const track of stream.getTracks()) track.stop();
        this.#video.srcObject = null;
      });
      if (this.#scope.ended) return;
      // A camera that is unplugged or taken away: stop() above doesn't fire this.
      for (const track of stream.getTracks()) this.#scope.listen(track, "ended", () => this.#fail("none"));
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#label("camera.take");
      this.trigger.disabled = false;
    } catch (error) {
      this.#fail((error instanceof Error && TROUBLES[error.name]) || "none");
    }
  }

  /** In the frame's own shape, which a turned device changes. */
  #outline(): void {
    this.element.querySelector(".outline")?.remove();
    this.#video.after(outline(this.#video.videoWidth, this.#video.videoHeight));
  }

  #fail(trouble: Trouble): void {
    if (!this.#scope.ended) this.#run.go(troubleStep(trouble));
  }

  #choices(): HTMLFieldSetElement {
    const choice = (seconds: number) => {
      const input = h("input", { type: "radio", name: "timer", value: seconds, checked: seconds === this.#seconds });
      input.addEventListener("change", () => {
        this.#seconds = seconds;
        this.#run.again = cameraStep(seconds);
      });
      return h("label", {}, input, h("span", {}, this.#run.say("camera.seconds", { seconds })));
    };
    return h("fieldset", { class: "segments" }, h("legend", {}, this.#run.say("camera.timer")), ...TIMERS.map(choice));
  }

  #label(key: string): void {
    this.trigger.lastElementChild?.replaceChildren(this.#run.say(key));
  }

  /** Starts the countdown, or stops one. */
  #press(): void {
    if (this.#stopCount) this.#endCount();
    else this.#count();
  }

  #count(): void {
    let left = this.#seconds;
    const tick = () => {
      if (left === 0) {
        this.#endCount();
        void this.#take();
        return;
      }
      this.#digits.textContent = String(left);
      this.#run.frame.announce(String(left));
      left -= 1;
    };
    this.#stopCount = this.#scope.every(1000, tick);
    this.timers.disabled = true;
    this.#label("camera.stop");
    tick();
  }

  #endCount(): void {
    this.#stopCount?.();
    this.#stopCount = null;
    this.#digits.textContent = "";
    this.timers.disabled = false;
    this.#label("camera.take");
  }

  /** The frame as others see the shopper: only the preview is mirrored. */
  async #take(): Promise<void> {
    const { videoWidth, videoHeight } = this.#video;
    this.#video.pause(); // the picture stands still while it is taken
    this.#run.frame.announce(this.#run.say("camera.taken"));
    const taken = drawn(this.#video, videoWidth, videoHeight);
    const send = (photo: Blob) => this.#run.go(uploadStep(photo));
    await this.#run.attempt(this.#scope, taken, send, cameraStep(this.#seconds));
  }
}
