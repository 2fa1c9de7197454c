// Making elements without innerHTML (Trusted Types) and without style attributes (strict CSP).

type Child = Node | string | null | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void)>>;

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that are functions listen to the event of that name, false leaves one out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Line icons on a 24 x 24 grid. */
const ICONS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 16V5M7 10l5-5 5 5M5 19h14",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  person: "M12 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6M5 20c0-4 3-7 7-7s7 3 7 7",
  photo: "M4 6h16v13H4zM4 16l5-5 4 4 2-2 5 4M15.5 9.5h.01",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7",
  download: "M12 4v11M7 10l5 5 5-5M5 20h14",
  share: "M12 15V4M8 7.5L12 4l4 3.5M7 11H5v9h14v-9h-2",
  again: "M20 12a8 8 0 1 1-2.5-5.800M20 4v4h-4",
  forget: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  plus: "M12 6v12M6 12h12",
  minus: "M6 12h12",
  check: "M5 12.5l4.5 4.5L19 7.5",
  info: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M12 11v5M12 8h.01",
  arrows: "M9 7l-5 5 5 5M15 7l5 5-5 5",
} as const;

export type Icon = keyof typeof ICONS;

export function icon(name: Icon): SVGSVGElement {
  const path = svg("path", { d: ICONS[name] });
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}

/** A button; kind is its weight: one primary a step. */
export function button(
  kind: "primary" | "secondary" | "quiet",
  label: string,
  click: () => void,
  sign?: Icon,
): HTMLButtonElement {
  return h("button", { type: "button", class: kind, click }, sign && icon(sign), h("span", {}, label));
}

/** A button that shows only its icon. */
export function iconButton(name: string, label: string, sign: Icon, click: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: name, "aria-label": label, title: label, click }, icon(sign));
}
