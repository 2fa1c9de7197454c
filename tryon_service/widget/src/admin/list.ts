// The shop's products as a grid: a thumbnail and how many of the photos can be used.
import { type App, hash, type Panel, productRoute } from "./app";
import { button, make } from "./dom";
import { whenNear } from "./pictures";
import type { Product } from "./service";
import { t } from "./texts";
import { gradeMark, isReady } from "./words";

/** Pixels of width of a thumbnail: a card of the grid on a screen with two pixels for one. */
const THUMBNAIL = 360;

export function list(app: App, left: AbortSignal): Panel {
  const panel = new List(app, left);
  void panel.load();
  return { title: t("app.products"), body: panel.body };
}

class List {
  readonly body: HTMLElement;
  readonly #app: App;
  readonly #left: AbortSignal;
  readonly #grid = make("ul", { class: "grid" });
  readonly #note = make("p", { class: "note", role: "status" }, t("app.loading"));
  readonly #tools = make("div", { class: "tools", hidden: true });
  readonly #count = make("small");
  readonly #search = make("input", { type: "search", "aria-label": t("list.search"), placeholder: t("list.search") });
  readonly #attention = make("input", { type: "checkbox" });
  readonly #more = button(t("list.more"), () => void this.load(), { hidden: true });
  #products: Product[] = [];
  #next = "";

  constructor(app: App, left: AbortSignal) {
    this.#app = app;
    this.#left = left;
    this.#search.addEventListener("input", () => this.#filter());
    this.#attention.addEventListener("change", () => this.#filter());
    const search = make(
      "form",
      { role: "search", onsubmit: (event: Event) => this.#openSearched(event) },
      this.#search,
    );
    this.#tools.append(search, make("label", { class: "check" }, this.#attention, t("list.attention")));
    const add = make("a", { class: "button primary", href: hash("new") }, t("list.new"));
    const head = make("div", { class: "head" }, make("h1", {}, t("app.products"), " ", this.#count), add);
    this.body = make("div", {}, head, this.#tools, this.#grid, this.#note, this.#more);
  }

  /** Fetches the first or the next page of products. */
  async load(): Promise<void> {
    this.#more.disabled = true;
    try {
      const page = await this.#app.service.products(this.#next, this.#left);
      this.#next = page.next_page_token;
      this.#products.push(...page.products);
      this.#grid.append(...page.products.map((product) => this.#card(product)));
      this.#tell();
    } catch (error) {
      if (this.#left.aborted) return;
      const again = button(t("app.again"), () => void this.load());
      this.#note.replaceChildren(this.#app.wordsOf(error), " ", again);
    } finally {
      this.#more.disabled = false;
    }
  }

  #tell(): void {
    const n = this.#products.length;
    this.#count.textContent = t(this.#next ? "list.loaded" : "list.count", { n });
    this.#more.hidden = !this.#next;
    this.#tools.hidden = this.#count.hidden = n === 0;
    if (n > 0) this.#filter();
    else this.#tellEmpty();
  }

  #tellEmpty(): void {
    const add = make("a", { class: "button primary", href: hash("new") }, t("list.new"));
    const empty = make(
      "div",
      { class: "empty" },
      make("h2", {}, t("list.empty.title")),
      make("p", {}, t("list.empty")),
      add,
    );
    this.body.replaceChildren(make("h1", { class: "hidden" }, t("app.products")), empty);
  }

  #card(product: Product): HTMLElement {
    const picture = make("img", { alt: "", class: "waiting" });
    const first = product.photos.findIndex(({ reasons }) => reasons.length === 0);
    const show = async () => {
      const index = Math.max(first, 0);
      const name = `${product.photos[index]?.sha256} ${THUMBNAIL}`;
      const load = () => this.#app.service.photo(product.id, index, THUMBNAIL);
      try {
        picture.src = await this.#app.pictures.get(name, load, this.#left);
      } finally {
        picture.classList.remove("waiting");
      }
    };
    whenNear(picture, () => void show().catch(() => picture.classList.add("missing")), this.#left);
    const photos = make("small", {}, t("list.photos", { n: product.photos.length }));
    const words = make("span", { class: "name" }, product.id);
    return make(
      "li",
      {},
      make(
        "a",
        { href: hash(productRoute(product.id)) },
        make("span", { class: "frame" }, picture),
        words,
        gradeMark(product),
        photos,
      ),
    );
  }

  #filter(): void {
    const wanted = this.#search.value.trim().toLowerCase();
    let shown = 0;
    for (const [index, product] of this.#products.entries()) {
      const fits = product.id.toLowerCase().includes(wanted) && !(this.#attention.checked && isReady(product));
      const card = this.#grid.children[index];
      if (card instanceof HTMLElement) card.hidden = !fits;
      if (fits) shown += 1;
    }
    const beyond = wanted && this.#next ? ` ${t("list.open", { id: this.#search.value.trim() })}` : "";
    this.#note.textContent = shown === 0 ? t("list.none") + beyond : "";
  }

  /** Enter opens the one product that is left, or the one with this id among those that aren't shown yet. */
  #openSearched(event: Event): void {
    event.preventDefault();
    const id = this.#search.value.trim();
    const shown = this.#products.filter((_, index) => !(this.#grid.children[index] as HTMLElement).hidden);
    const only = shown.length === 1 ? shown[0] : undefined;
    const wanted = only?.id ?? (shown.length === 0 && this.#next ? id : "");
    if (id && wanted) this.#app.go(productRoute(wanted));
  }
}
