// Two dialogs: a question before something that can't be undone, and a picture enlarged.
import { button, make, newId } from "./dom";
import { t } from "./texts";

/** Asks, with the way out chosen beforehand; act runs while the dialog waits and its error is shown in it. */
export function ask(
  title: string,
  text: string,
  doIt: string,
  doing: string,
  act: () => Promise<void>,
  wordsOf: (error: unknown) => string,
): void {
  const heading = make("h2", { id: newId("ask") }, title);
  const failed = make("p", { class: "answer", role: "alert" });
  const cancel = button(t("app.cancel"), () => dialog.close(), { autofocus: true });
  const go = button(doIt, () => void run(), { class: "danger" });
  const run = async () => {
    go.disabled = true;
    go.textContent = doing;
    failed.textContent = "";
    try {
      await act();
      dialog.close();
    } catch (error) {
      go.disabled = false;
      go.textContent = doIt;
      failed.textContent = wordsOf(error);
    }
  };
  const dialog = make(
    "dialog",
    { class: "ask", "aria-labelledby": heading.id },
    heading,
    make("p", {}, text),
    failed,
    make("div", { class: "row end" }, cancel, go),
  );
  open(dialog);
}

export function enlarge(url: string, words: string): void {
  const picture = make("img", { src: url, alt: words });
  const close = button("✕", () => dialog.close(), { class: "close", "aria-label": t("app.close"), autofocus: true });
  const dialog = make(
    "dialog",
    { class: "large", "aria-label": words, onclick: (event: MouseEvent) => event.target !== close && dialog.close() },
    close,
    picture,
  );
  open(dialog);
}

function open(dialog: HTMLDialogElement): void {
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
