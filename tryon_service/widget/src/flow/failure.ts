// Something other than the photo went wrong: what, in plain words, and the way to try again.
import { chooseStep } from "./choose";
import { button, h, icon } from "./dom";
import { productPhoto } from "./pictures";
import type { Step } from "./run";

/** Headings by what the shopper can do about it; all other codes have a general one. */
const KINDS: Readonly<Record<string, "offline" | "busy" | "expired">> = {
  offline: "offline",
  overloaded: "busy",
  rate_limited: "busy",
  deadline_exceeded: "busy",
  token_expired: "expired",
  token_spent: "expired",
  unauthorized: "expired",
};
/** Codes that trying again can't help. */
const FINAL = new Set(["unknown_product", "not_found", "forbidden", "invalid_signature", "unsupported_task"]);

/** retry: the step that does again what failed. */
export const failureStep =
  (code: string, retry: Step): Step =>
  (run, scope) => {
    const kind = KINDS[code];
    const words = run.host.texts.has(`error.${code}`) ? `error.${code}` : "error.internal";
    const ways = {
      reload: () => button("primary", run.say("failure.reload"), () => location.reload(), "again"),
      retry: () => button("primary", run.say("failure.retry"), () => run.go(retry), "again"),
      close: () => button("primary", run.say("dialog.close"), run.close),
    };
    const way = kind === "expired" ? "reload" : FINAL.has(code) ? "close" : "retry";
    return {
      name: "failure",
      title: run.say(kind ? `failure.${kind}` : "failure.title"),
      text: run.say(words),
      stage: [productPhoto(run, scope)],
      body: [h("p", { class: "note" }, icon("info"), h("span", {}, run.say("failure.kept")))],
      actions: [ways[way](), ...(way === "retry" ? [button("quiet", run.say("dialog.close"), run.close)] : [])],
      back: run.host.session.consented ? chooseStep : undefined,
    };
  };
