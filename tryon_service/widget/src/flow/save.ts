// Taking the picture along: as a file or through the device's share sheet, marked as made by software.
import type { Rendered } from "../host";
import { button, h, icon } from "./dom";
import type { Run } from "./run";
import type { Scope } from "./scope";

const ENDINGS: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "image/avif": "avif",
};

/** The mark is in the name, too: of a picture on its way through the world nothing else is sure to stay. */
function fileName(run: Run, { type }: Rendered): string {
  return `${run.host.product}-ai-tryon.${ENDINGS[type] ?? "jpg"}`;
}

export function downloadLink(run: Run, picture: Rendered, url: string): HTMLAnchorElement {
  const words = h("span", {}, run.say("result.download"));
  return h("a", { class: "secondary", href: url, download: fileName(run, picture) }, icon("download"), words);
}

/** Nothing where the device can't share files; failed: told that sharing didn't work. */
export function shareButton(run: Run, scope: Scope, picture: Rendered, failed: () => void): HTMLButtonElement | null {
  const { host } = run;
  const files = [new File([picture.picture], fileName(run, picture), { type: picture.type })];
  if (!navigator.canShare?.({ files })) return null;
  const text = run.say("result.shareText", { product: host.alt || host.product, label: run.say("result.label") });
  const share = () => {
    navigator.share({ files, text }).catch((error: unknown) => {
      const changedMind = error instanceof Error && error.name === "AbortError";
      if (!changedMind && !scope.ended) failed();
    });
  };
  return button("secondary", run.say("result.share"), share, "share");
}
