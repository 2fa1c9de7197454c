// The admin page: the key first, then one panel at a time by the address behind #, so that "back" goes back.
import { type App, hash, type Panel, productRoute } from "./app";
import { button, focusOn, make } from "./dom";
import { Draft } from "./draft";
import { edit } from "./edit";
import { gate } from "./gate";
import { list } from "./list";
import { Pictures } from "./pictures";
import { product } from "./product";
import { Service, ServiceError } from "./service";
import { currentLang, LANGS, type Lang, setLang, startLang, t } from "./texts";
import { errorWords, isReady } from "./words";

const KEPT = "tryon-admin-key";
/** Milliseconds that a message stays. */
const TOLD = 6000;

class Admin implements App {
  readonly pictures = new Pictures();
  readonly #header = make("header");
  readonly #main = make("main", { id: "main" });
  readonly #footer = make("footer");
  readonly #told = make("p", { class: "told", role: "status" });
  readonly #drafts = new Map<string, Draft>();
  #service: Service | null = null;
  #left = new AbortController();
  #timer = 0;
  /** The panel that the message is for. */
  #toldAt = "";

  start(): void {
    document.body.replaceChildren(this.#header, this.#main, this.#footer, this.#told);
    const key = keptKey();
    if (key) this.#service = new Service(key);
    addEventListener("hashchange", () => this.#show(true));
    // A file dropped beside a place for files would replace the page, and what was typed with it.
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    this.#show(false);
  }

  get service(): Service {
    if (!this.#service) throw new Error("no key yet");
    return this.#service;
  }

  go(route: string): void {
    if (location.hash === hash(route)) this.#show(true);
    else location.hash = hash(route);
  }

  say(words: string, shown = false): void {
    clearTimeout(this.#timer);
    this.#told.textContent = words;
    this.#told.classList.toggle("shown", shown);
    this.#toldAt = location.hash;
    this.#timer = setTimeout(() => this.#hush(), TOLD);
  }

  wordsOf(error: unknown): string {
    const gone = error instanceof ServiceError && error.code === "unauthorized";
    if (gone) this.#forget(t("key.gone"));
    return errorWords(error);
  }

  /** Draws what the address says. moved: by the reader, whose focus then goes along. */
  #show(moved: boolean, why = ""): void {
    this.#left.abort();
    this.#left = new AbortController();
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    if (this.#toldAt !== location.hash) this.#hush();
    this.#drawHeader();
    const { title, body } = this.#service
      ? this.#panel(location.hash)
      : { title: t("key.title"), body: this.#gate(why) };
    document.title = `${title} · ${t("app.title")}`;
    this.#main.replaceChildren(body);
    scrollTo(0, 0);
    const heading = body.querySelector("h1");
    if (moved && heading) focusOn(heading);
    if (!this.#service) body.querySelector("input")?.focus();
  }

  #hush(): void {
    this.#told.textContent = "";
    this.#told.classList.remove("shown");
  }

  #panel(address: string): Panel {
    const [first = "", id = "", last = ""] = address.replace(/^#\/?/, "").split("/").map(decoded);
    const left = this.#left.signal;
    if (first === "") return list(this, left);
    if (first === "new") return this.#edit(left, null);
    if (first === "p" && id && last === "photos") return this.#edit(left, id);
    if (first === "p" && id) return product(this, left, id);
    const back = make("p", {}, make("a", { href: hash("") }, t("app.back")));
    return { title: t("app.nothing"), body: make("div", {}, make("h1", {}, t("app.nothing")), back) };
  }

  #edit(left: AbortSignal, id: string | null): Panel {
    const name = id ?? "";
    const draft = this.#drafts.get(name) ?? new Draft();
    this.#drafts.set(name, draft);
    return edit(this, left, draft, id, (saved) => {
      this.#drafts.delete(name);
      this.go(productRoute(saved.id));
      this.say(t(isReady(saved) ? "product.saved" : "product.saved.some"), true);
    });
  }

  #gate(why: string): HTMLElement {
    return gate(why, (key, keep) => {
      keepKey(keep ? key : null);
      this.#service = new Service(key);
      this.#show(true);
    });
  }

  #forget(why: string): void {
    keepKey(null);
    this.#service = null;
    this.pictures.clear();
    for (const draft of this.#drafts.values()) draft.clear();
    this.#drafts.clear();
    this.#show(true, why);
  }

  #drawHeader(): void {
    const skip = make(
      "a",
      { class: "skip", href: "#main", onclick: (event: Event) => this.#skip(event) },
      t("app.skip"),
    );
    const home = make("a", { class: "home", href: hash("") }, t("app.title"));
    const chosen = (lang: Lang) => () => {
      setLang(lang);
      this.#show(false);
      this.#header.querySelector<HTMLElement>(`[lang=${lang}]`)?.focus();
    };
    const langs = (Object.entries(LANGS) as [Lang, string][]).map(([lang, name]) =>
      button(lang.toUpperCase(), chosen(lang), {
        lang,
        title: name,
        "aria-label": `${lang.toUpperCase()}, ${name}`,
        "aria-pressed": String(lang === currentLang()),
      }),
    );
    const choice = make("div", { class: "langs", role: "group", "aria-label": t("app.language") }, ...langs);
    const forget = this.#service !== null && button(t("app.forget"), () => this.#forget(""));
    this.#header.replaceChildren(skip, home, choice, forget || "");
    this.#footer.replaceChildren(make("a", { href: "/docs" }, t("app.api")));
  }

  #skip(event: Event): void {
    event.preventDefault(); // the address behind # names the panel
    focusOn(this.#main);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function keptKey(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** Keeps the key for this tab, or forgets it. */
function keepKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, key);
  } catch {
    // A browser that keeps nothing asks for the key again, as if the box weren't ticked.
  }
}

startLang();
new Admin().start();
