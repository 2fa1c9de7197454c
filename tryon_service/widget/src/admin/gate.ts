// Where the API key is given: checked with its scopes before anything else is shown.
import { copyable } from "./copy";
import { make, newId } from "./dom";
import { type Scope, Service, ServiceError } from "./service";
import { type Key, t } from "./texts";
import { errorWords, mark } from "./words";

const SCOPES: readonly Scope[] = ["products", "render", "admin"];
const COMMAND = "tryon keys create --store my-shop --scopes render,products,admin";
/** What a widget token begins with, which is easily taken for a key. */
const TOKEN = "tryonw_";

/** Shows the form. why: words about a key that is gone; open: called with a key that can do everything here. */
export function gate(why: string, open: (key: string, keep: boolean) => void): HTMLElement {
  const answer = make("div", { class: "answer", role: "alert", id: newId("answer") }, why);
  const key = make("input", {
    id: newId("key"),
    type: "password",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": answer.id,
  });
  const keep = make("input", { type: "checkbox" });
  const send = make("button", { class: "primary" }, t("key.open"));
  const check = async (event: Event) => {
    event.preventDefault();
    const text = key.value.trim();
    send.disabled = true;
    send.textContent = t("key.checking");
    answer.replaceChildren();
    const refused = await refusal(text);
    send.disabled = false;
    send.textContent = t("key.open");
    if (refused === null) return open(text, keep.checked);
    answer.replaceChildren(refused);
    key.setAttribute("aria-invalid", "true");
    key.focus();
  };
  const kept = make(
    "label",
    { class: "check" },
    keep,
    make("span", {}, t("key.keep"), make("small", {}, t("key.keep.note"))),
  );
  const form = make(
    "form",
    { onsubmit: check, novalidate: true },
    make("label", { for: key.id }, t("key.label")),
    key,
    answer,
    kept,
    send,
  );
  const how = make("div", { class: "how" }, make("p", {}, t("key.how")), copyable(COMMAND, t("key.command")));
  return make(
    "div",
    { class: "gate" },
    make("h1", {}, t("key.title")),
    make("p", { class: "lead" }, t("key.lead")),
    form,
    how,
  );
}

/** Why the key won't do; null if it will. */
async function refusal(key: string): Promise<HTMLElement | null> {
  if (!key) return make("p", {}, t("key.empty"));
  if (key.startsWith(TOKEN)) return make("p", {}, t("key.widget"));
  if (!/^[\x21-\x7e]+$/.test(key)) return make("p", {}, t("key.wrong")); // no header could carry it
  try {
    const missing = await new Service(key).missingScopes();
    return missing.length ? scopesOf(missing) : null;
  } catch (error) {
    const wrong = error instanceof ServiceError && error.code === "unauthorized";
    return make("p", {}, wrong ? t("key.wrong") : errorWords(error));
  }
}

function scopesOf(missing: readonly Scope[]): HTMLElement {
  const rows = SCOPES.map((scope) => {
    const lacks = missing.includes(scope);
    const word = mark(lacks ? "poor" : "good", t(lacks ? "key.lacks" : "key.has"));
    return make("li", {}, make("code", {}, scope), word, make("small", {}, t(`key.scope.${scope}` satisfies Key)));
  });
  return make(
    "div",
    {},
    make("p", {}, t("key.missing")),
    make("ul", { class: "scopes", "aria-label": t("key.scopes") }, ...rows),
  );
}
