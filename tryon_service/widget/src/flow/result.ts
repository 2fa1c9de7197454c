// The picture: compared with the shop's photo, on the background one likes, to take along or to undo.
import { ApiError } from "../api-error";
import type { KeptPose, Rendered } from "../host";
import { swatches } from "./backgrounds";
import { Compare } from "./compare";
import { button, h, icon } from "./dom";
import { forgetButton } from "./forget";
import type { Run, Step } from "./run";
import { downloadLink, shareButton } from "./save";
import type { Scope } from "./scope";

export interface Shown {
  readonly rendered: Rendered;
  /** URL of the shop's photo, null where it can't be had. */
  readonly before: string | null;
}

export const resultStep =
  (pose: KeptPose, { rendered, before }: Shown): Step =>
  (run, scope) => {
    const result = new Result(run, scope, pose, before);
    result.show(rendered);
    requestAnimationFrame(() => void result.compare.reveal(scope));
    const colours = swatches(run, (background, undo) => void result.change(background, undo));
    return {
      name: "result",
      title: run.say("result.title"),
      stage: [h("figure", {}, result.compare.element, h("figcaption", {}, run.say("result.label")))],
      body: [
        result.doubt,
        ...(colours ? [colours] : []),
        result.status,
        result.takeAlong,
        h(
          "div",
          { class: "row" },
          button("quiet", run.say("result.another"), () => run.go(run.again), "again"),
          forgetButton(run),
        ),
      ],
      actions: [button("primary", run.say("result.done"), run.close)],
    };
  };

class Result {
  readonly compare: Compare;
  readonly doubt: HTMLElement;
  readonly status = h("p", { class: "doing", role: "alert" });
  readonly takeAlong = h("div", { class: "row" });
  readonly #run: Run;
  readonly #scope: Scope;
  readonly #pose: KeptPose;
  /** By background, for coming back to one. */
  readonly #made = new Map<string, Rendered>();
  #wanted: string;

  constructor(run: Run, scope: Scope, pose: KeptPose, before: string | null) {
    this.#run = run;
    this.#scope = scope;
    this.#pose = pose;
    this.#wanted = run.host.backgrounds[0] ?? "product";
    this.compare = new Compare(run, before, scope.signal);
    this.doubt = h("p", { class: "note" }, icon("info"), h("span", {}, run.say("result.doubtful")));
  }

  /** Here and, with the dialog closed, on the card. */
  show(rendered: Rendered): void {
    this.#made.set(this.#wanted, rendered);
    const url = this.#scope.url(rendered.picture);
    const failed = () => {
      this.status.textContent = this.#run.say("result.shareFailed");
    };
    const share = shareButton(this.#run, this.#scope, rendered, failed);
    this.compare.show(url, this.#wanted === "transparent");
    this.doubt.hidden = rendered.verdict === "accepted";
    this.takeAlong.replaceChildren(downloadLink(this.#run, rendered, url), ...(share ? [share] : []));
    this.#run.host.show(rendered.picture, rendered.verdict);
  }

  /** Another background; on failure the one before stays, and undo puts the mark back. */
  async change(background: string, undo: () => void): Promise<void> {
    const { api, product, minVerdict } = this.#run.host;
    const before = this.#wanted;
    this.#wanted = background;
    this.status.textContent = "";
    this.#run.frame.announce(this.#run.say("result.changing"));
    this.compare.busy(true);
    try {
      const made =
        this.#made.get(background) ??
        (await api.render(this.#pose.token, product, background, minVerdict, this.#scope.signal));
      this.#made.set(background, made);
      if (this.#scope.ended || this.#wanted !== background) return; // another was chosen meanwhile
      this.show(made);
    } catch (error) {
      if (this.#scope.ended || this.#wanted !== background) return;
      this.#wanted = before;
      undo();
      const code = ApiError.is(error) ? error.code : "internal";
      this.#run.host.emit("tryon:error", { code });
      const { texts } = this.#run.host;
      this.status.textContent = texts.of(texts.has(`error.${code}`) ? `error.${code}` : "error.internal");
    }
    this.compare.busy(false);
  }
}
