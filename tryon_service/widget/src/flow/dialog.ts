// The way in: opens the dialog in the card's shadow root, once, at the step that this shopper needs.
import type { Flow, FlowHost } from "../host";
import { chooseStep } from "./choose";
import compare from "./compare.css";
import { consentStep } from "./consent";
import controls from "./controls.css";
import layout from "./flow.css";
import { Frame } from "./frame";
import { renderStep } from "./render";
import { Run, type Step } from "./run";
import type { Scope } from "./scope";
import sideways from "./sideways.css";
import stage from "./stage.css";

const open = new WeakSet<ShadowRoot>();

export const flow: Flow = {
  open(host: FlowHost): void {
    if (open.has(host.root)) return;
    open.add(host.root);
    dress(host.root);
    const frame = new Frame(host, () => run.close());
    const run = new Run(host, frame);
    run.scope.onEnd(() => open.delete(host.root));
    run.scope.listen(window, "pagehide", run.close);
    closeWithCard(run);
    keepFiles(run.scope);
    followTheme(host, frame, run.scope);
    run.go(firstStep(host));
  },
};

function firstStep({ session }: FlowHost): Step {
  const kept = session.get();
  if (kept) return renderStep(kept);
  return session.consented ? chooseStep : consentStep;
}

/** A page that redraws itself may take the card away, dialog and all, without closing it: then its size changes. */
function closeWithCard({ frame, scope, close }: Run): void {
  const watch = new ResizeObserver(() => frame.dialog.isConnected || close());
  watch.observe(frame.dialog);
  scope.onEnd(() => watch.disconnect());
}

let sheet: CSSStyleSheet | undefined;

/** A constructed style sheet: it needs no style element, which a strict CSP would forbid. */
function dress(root: ShadowRoot): void {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(layout + sideways + controls + stage + compare);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** A file dropped beside the mark must not make the browser leave the page for it. */
function keepFiles(scope: Scope): void {
  for (const type of ["dragover", "drop"]) scope.listen(window, type, (event) => event.preventDefault());
}

function followTheme(host: FlowHost, frame: Frame, scope: Scope): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const auto = dark.matches ? "dark" : "light";
    frame.dialog.dataset.theme = host.theme === "auto" ? auto : host.theme;
  };
  scope.listen(dark, "change", apply);
  apply();
}
