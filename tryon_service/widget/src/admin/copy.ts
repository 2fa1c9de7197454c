// Lines to be copied, each with its button.
import { button, make } from "./dom";
import { t } from "./texts";

/** Milliseconds that the button says that it is done. */
const TOLD = 2000;

/** The lines with a copy button; what: what they are, for those who only hear the button. */
export function copyable(lines: string, what: string): HTMLElement {
  const code = make("code", {}, lines);
  const told = make("span", { class: "hidden", role: "status" });
  const copy = button(t("copy.do"), () => void run(), { class: "copy", "aria-label": t("copy.label", { what }) });
  const run = async () => {
    const done = await taken(lines, code);
    copy.textContent = t(done ? "copy.done" : "copy.selected");
    told.textContent = copy.textContent;
    setTimeout(() => {
      copy.textContent = t("copy.do");
      told.textContent = "";
    }, TOLD);
  };
  return make("div", { class: "copyable" }, make("pre", { tabindex: 0, "aria-label": what }, code), copy, told);
}

/** Puts the lines into the clipboard; where the browser doesn't let us (no HTTPS), selects them and answers false. */
async function taken(lines: string, code: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(lines);
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
