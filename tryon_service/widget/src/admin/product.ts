// One product: its photos, a pose to try it in, the tag to copy.
import { type App, hash, type Panel, productRoute } from "./app";
import { ask } from "./dialogs";
import { button, make } from "./dom";
import { photos } from "./photos";
import { type Product, ServiceError } from "./service";
import { tag } from "./tag";
import { day, t } from "./texts";
import { trial } from "./trial";
import { gradeMark } from "./words";

export function product(app: App, left: AbortSignal, id: string): Panel {
  const below = make("div", {}, make("p", { class: "note", role: "status" }, t("app.loading")));
  const load = async () => {
    try {
      below.replaceChildren(...contents(app, left, await app.service.product(id, left)));
    } catch (error) {
      if (left.aborted) return;
      const gone = error instanceof ServiceError && error.code === "unknown_product";
      const words = gone ? t("product.gone", { id }) : app.wordsOf(error);
      below.replaceChildren(
        make("p", { class: "note", role: "alert" }, words, " ", !gone && button(t("app.again"), () => void load())),
      );
    }
  };
  void load();
  const back = make("p", { class: "back" }, make("a", { href: hash("") }, t("app.back")));
  return { title: id, body: make("div", { class: "product" }, back, make("h1", {}, id), below) };
}

function contents(app: App, left: AbortSignal, found: Product): HTMLElement[] {
  const facts = [
    t("product.rights", { reference: found.rights_reference }),
    t("product.changed", { date: day(found.updated_at) }),
  ];
  const replace = make("a", { class: "button", href: hash(`${productRoute(found.id)}/photos`) }, t("product.replace"));
  const remove = button(t("product.delete"), () => askToRemove(app, found), { class: "danger" });
  const head = make(
    "div",
    { class: "facts" },
    gradeMark(found),
    ...facts.map((fact) => make("span", {}, fact)),
    make("span", { class: "row" }, replace, remove),
  );
  return [head, photos(app, left, found), trial(app, left, found), tag(found)];
}

function askToRemove(app: App, { id }: Product): void {
  const act = async () => {
    await app.service.remove(id);
    app.go("");
    app.say(t("remove.done", { id }), true);
  };
  ask(t("remove.title", { id }), t("remove.text"), t("remove.do"), t("remove.doing"), act, (error) =>
    app.wordsOf(error),
  );
}
