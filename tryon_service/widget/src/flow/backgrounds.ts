// The backgrounds that a picture may stand on, as a row of swatches.
import { h } from "./dom";
import type { Run } from "./run";

/** pick is called with the background chosen; it may call back to put the mark where it was. */
export function swatches(run: Run, pick: (background: string, undo: () => void) => void): HTMLElement | null {
  const { backgrounds } = run.host;
  if (backgrounds.length < 2) return null;
  let chosen = 0;
  const inputs = backgrounds.map((value, index) =>
    h("input", { type: "radio", name: "background", value, checked: index === 0, "aria-label": nameOf(run, value) }),
  );
  const change = (index: number) => {
    const before = chosen;
    chosen = index;
    pick(backgrounds[index] ?? "", () => {
      chosen = before;
      const input = inputs[before];
      if (input) input.checked = true;
    });
  };
  const choices = inputs.map((input, index) => {
    input.addEventListener("change", () => change(index));
    const dot = h("span", { class: "dot", title: nameOf(run, input.value) });
    if (input.value.startsWith("#")) dot.style.backgroundColor = input.value;
    else dot.classList.add(input.value);
    return h("label", {}, input, dot);
  });
  return h("fieldset", { class: "swatches" }, h("legend", {}, run.say("result.background")), ...choices);
}

/** "White" where the texts name the colour, else "Colour #d0c8b0". */
function nameOf(run: Run, value: string): string {
  const key = `result.background.${value.toLowerCase()}`;
  return run.host.texts.has(key) ? run.say(key) : run.say("result.background.colour", { colour: value });
}
