// What a shop pastes into its page and its server, with this service's address and the product's id filled in.
import { copyable } from "./copy";
import { make, newId } from "./dom";
import type { Product } from "./service";
import { t } from "./texts";

/** Of a token: what one shopper needs who tries a few photos, and a listing in each of the poses. */
const USES = 100;
const EXAMPLE = "https://shop.example";

/** The address given for the shop, kept from product to product. */
let shop = EXAMPLE;

export function tag(product: Product): HTMLElement {
  const lines = make("div", { class: "lines" });
  const problem = make("p", { class: "problem", id: newId("problem") });
  const note = make("small", { id: newId("note") }, t("tag.origin.note"));
  const origin = make("input", {
    id: newId("origin"),
    type: "url",
    value: shop,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": `${note.id} ${problem.id}`,
  });
  const fill = () => {
    const given = originOf(origin.value);
    problem.textContent = given ? "" : t("tag.origin.wrong");
    origin.setAttribute("aria-invalid", String(!given));
    if (given) shop = given;
    lines.replaceChildren(...blocks(product.id, shop));
  };
  origin.addEventListener("change", fill);
  fill();
  const field = make(
    "div",
    { class: "field" },
    make("label", { for: origin.id }, t("tag.origin")),
    origin,
    note,
    problem,
  );
  return make("section", {}, make("div", { class: "head" }, make("h2", {}, t("tag.title"))), field, lines);
}

function blocks(id: string, shop: string): HTMLElement[] {
  const service = location.origin;
  return [
    block(t("tag.page"), t("tag.page.note"), pageLines(service, id)),
    block(t("tag.listing"), t("tag.listing.note"), `<img data-tryon-product="${id}" src="/photos/${id}.jpg" alt="…">`),
    block(t("tag.token"), t("tag.token.note"), serverLines(service, shop)),
    folded(t("tag.curl"), curlLines(service, shop, id)),
    block(t("tag.settings"), t("tag.settings.note"), `TRYON_CORS_ORIGINS=${shop}`),
    block(
      t("tag.csp"),
      t("tag.csp.note"),
      `script-src ${service}; connect-src 'self' ${service}; img-src 'self' ${service} blob:`,
    ),
  ];
}

function block(title: string, note: string, lines: string): HTMLElement {
  return make("div", { class: "block" }, make("h3", {}, title), make("p", {}, note), copyable(lines, title));
}

function folded(title: string, lines: string): HTMLElement {
  return make("details", {}, make("summary", {}, title), copyable(lines, title));
}

function pageLines(service: string, id: string): string {
  return `<script src="${service}/widget/v1/tryon.js" async data-token-url="/tryon-token"></script>
<try-on-card product="${id}"><img src="/photos/${id}.jpg" alt="…"></try-on-card>`;
}

function serverLines(service: string, shop: string): string {
  return `@app.post("/tryon-token")
def tryon_token():
    if request.headers.get("Origin") != "${shop}":
        abort(403)
    answer = httpx.post(
        "${service}/v1/widget-tokens",
        headers={"Authorization": f"Bearer {os.environ['TRYON_KEY']}"},
        json={"origin": "${shop}", "product_ids": request.json["products"], "uses": ${USES}},
    )
    return {"token": answer.raise_for_status().json()["token"]}, {"Cache-Control": "no-store"}`;
}

function curlLines(service: string, shop: string, id: string): string {
  return `curl -H "Authorization: Bearer $TRYON_KEY" -H "Content-Type: application/json" \\
  -d '{"origin": "${shop}", "product_ids": ["${id}"], "uses": ${USES}}' \\
  ${service}/v1/widget-tokens`;
}

/** The origin that was typed, empty where it is none. */
function originOf(text: string): string {
  try {
    const { origin, protocol, pathname } = new URL(text.trim());
    return /^https?:$/.test(protocol) && pathname === "/" ? origin : "";
  } catch {
    return "";
  }
}
