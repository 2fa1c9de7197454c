// One visit to the dialog: which step is shown, what the steps share, and the way everything ends.
import { ApiError } from "../api-error";
import type { FlowHost } from "../host";
import { chooseStep } from "./choose";
import { failureStep } from "./failure";
import type { Frame } from "./frame";
import type { Photo } from "./prepare";
import { isAboutPhoto, refusalStep } from "./refusal";
import { Scope } from "./scope";

/** What one step shows. */
export interface View {
  /** For the style sheet. */
  readonly name: string;
  readonly title: string;
  readonly text?: string;
  /** The picture side: left on wide screens, above on phones. */
  readonly stage: readonly Node[];
  readonly body?: readonly Node[];
  readonly actions?: readonly Node[];
  readonly back?: Step | undefined;
}

/** Starts a step: what it begins, it begins in the scope, which ends when another step is shown. */
export type Step = (run: Run, scope: Scope) => View;

export class Run {
  readonly host: FlowHost;
  readonly frame: Frame;
  /** Lasts as long as the dialog is open. */
  readonly scope = new Scope();
  /** Where "another photo" leads: to the camera for who used it last. */
  again: Step = chooseStep;
  #step = new Scope();
  #photo: (Photo & { readonly url: string }) | null = null;

  constructor(host: FlowHost, frame: Frame) {
    this.host = host;
    this.frame = frame;
    this.scope.onEnd(() => {
      this.#step.end();
      this.dropPhoto();
    });
  }

  readonly say = (key: string, values?: Readonly<Record<string, string | number>>): string =>
    this.host.texts.of(key, values);

  /** Leaves the step shown for another. notice: a line above its heading. */
  go(step: Step, notice = ""): void {
    if (this.scope.ended) return;
    this.#step.end();
    this.#step = new Scope();
    const view = step(this, this.#step);
    const { back } = view;
    this.frame.show(view, notice, back && (() => this.go(back)));
  }

  /** Goes on with what comes of the work, or shows what went wrong; retry: the step that tries the same again. */
  async attempt<T>(scope: Scope, work: Promise<T>, done: (result: T) => void, retry: Step): Promise<void> {
    try {
      const result = await work;
      if (!scope.ended) done(result);
    } catch (error) {
      if (!scope.ended) this.#wrong(error, retry);
    }
  }

  #wrong(error: unknown, retry: Step): void {
    const { host } = this;
    const code = ApiError.is(error) ? error.code : "internal";
    if (isAboutPhoto(error)) {
      const codes = ApiError.is(error) && error.reasons.length ? error.reasons.map((one) => one.code) : [error.code];
      host.emit("tryon:refused", { product: host.product, codes: [...new Set(codes)] });
      this.go(refusalStep(error));
    } else if (code === "expired_pose" || code === "invalid_pose") {
      host.session.forget();
      host.session.consent(); // what the shopper agreed to this visit stands
      this.go(chooseStep, this.say("choose.expired"));
    } else {
      host.emit("tryon:error", { code });
      this.go(failureStep(code, retry));
    }
  }

  /** The photo in hand, with an object URL that shows it. */
  get photo(): (Photo & { readonly url: string }) | null {
    return this.#photo;
  }

  /** Holds a photo until it is dropped, another is held or the dialog closes. */
  holdPhoto(photo: Photo): Photo & { readonly url: string } {
    if (this.#photo?.blob === photo.blob) return this.#photo;
    this.dropPhoto();
    this.#photo = { ...photo, url: URL.createObjectURL(photo.blob) };
    return this.#photo;
  }

  dropPhoto(): void {
    if (this.#photo) URL.revokeObjectURL(this.#photo.url);
    this.#photo = null;
  }

  /** Closes the dialog and ends everything that goes on in it. */
  readonly close = (): void => {
    this.scope.end();
    this.frame.remove();
  };
}
