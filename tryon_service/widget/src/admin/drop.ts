// A place for files: dropped onto it, or chosen with its button.
import { button, make } from "./dom";

interface Options {
  readonly many: boolean;
  /** What stands before the button. */
  readonly words?: string;
  readonly choose: string;
  readonly take: (files: readonly File[]) => void;
}

export function dropZone({ many, words, choose, take }: Options): HTMLElement {
  const input = make("input", { type: "file", accept: "image/*", multiple: many, hidden: true });
  input.addEventListener("change", () => {
    if (input.files?.length) take([...input.files]);
    input.value = ""; // choosing the same file again is a choice
  });
  const zone = make(
    "div",
    { class: "drop" },
    words && make("span", {}, words),
    button(choose, () => input.click()),
    input,
  );
  const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  zone.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(many ? files : files.slice(0, 1));
  });
  return zone;
}
