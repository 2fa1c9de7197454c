import { consentStep } from "./consent";
import { button } from "./dom";
import type { Run } from "./run";

/** After a press nothing of this shopper stays, on this page or in the tab. */
export function forgetButton(run: Run): HTMLButtonElement {
  const forget = () => {
    run.host.session.forget();
    run.host.reset();
    run.host.emit("tryon:forgotten", {});
    run.go(consentStep, run.say("result.forgotten"));
  };
  return button("quiet", run.say("result.forget"), forget, "forget");
}
