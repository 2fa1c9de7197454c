// Elements made in one line; everything is put in as text, never as markup.

type Child = Node | string | false | null | undefined;
type Value = string | number | boolean | undefined | ((event: never) => void);

/** An element with attributes (true: without a value; false and undefined: left out; on…: a listener) and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== false && child !== null && child !== undefined));
  return made;
}

let last = 0;

/** A new id for an element, to be named by others. */
export function newId(prefix: string): string {
  last += 1;
  return `${prefix}-${last}`;
}

export function button(
  words: string,
  onclick: () => void,
  attributes: Readonly<Record<string, Value>> = {},
): HTMLButtonElement {
  return make("button", { type: "button", onclick, ...attributes }, words);
}

/** Gives an element the focus though it can't be reached by Tab, such as a heading of what has just appeared. */
export function focusOn(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
