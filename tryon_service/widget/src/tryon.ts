// The one tag of the widget: a classic script, which leaves nothing behind but the element.
import { TryOnCard } from "./card";
import { Page } from "./page";

const NAME = "try-on-card";
const script = document.currentScript;

// A page may include the script twice; the first one works.
if (script instanceof HTMLScriptElement && !customElements.get(NAME)) {
  TryOnCard.page = new Page(script);
  customElements.define(NAME, TryOnCard);
}
