// The words of the admin page, English and Russian. Both tables have the same keys, which the types see to.
import en from "./texts/en.json";
import ru from "./texts/ru.json";

export type Key = keyof typeof en;
type Table = Readonly<Record<Key, string>>;
export type Lang = "en" | "ru";

const TABLES: Readonly<Record<Lang, Table>> = { en, ru };
const KEPT = "tryon-admin-lang";
/** Names of languages in themselves. */
export const LANGS: Readonly<Record<Lang, string>> = { en: "English", ru: "Русский" };

let lang: Lang = "en";

/** The language asked for in the address (?lang=ru), else the one chosen in this tab, else the browser's. */
export function startLang(): void {
  const wanted = [new URLSearchParams(location.search).get("lang"), kept(), ...navigator.languages];
  const known = wanted.map((one) => one?.slice(0, 2)).find((one) => one === "en" || one === "ru");
  setLang(known === "ru" ? "ru" : "en");
}

export function setLang(chosen: Lang): void {
  lang = chosen;
  document.documentElement.lang = chosen;
  try {
    sessionStorage.setItem(KEPT, chosen);
  } catch {
    // A browser that keeps nothing asks for no more than choosing again.
  }
}

export function currentLang(): Lang {
  return lang;
}

/** The words for a key, {name} replaced by values.name. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return TABLES[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The words for what the service named, such as a code or a pose; undefined where it is one we don't know. */
export function named(group: string, name: string): string | undefined {
  const key = `${group}.${name}`;
  return Object.hasOwn(TABLES[lang], key) ? TABLES[lang][key as Key] : undefined;
}

/** A name with underscores as plain words, for what has none of ours. */
export function plain(name: string): string {
  return name.replaceAll("_", " ");
}

export function number(value: number): string {
  return new Intl.NumberFormat(lang, { maximumSignificantDigits: 3 }).format(value);
}

export function megabytes(bytes: number): string {
  return new Intl.NumberFormat(lang, { maximumFractionDigits: bytes < 1e7 ? 1 : 0 }).format(bytes / 1e6);
}

/** As "110 kB". */
export function fileSize(bytes: number): string {
  const [value, unit] = bytes < 1e6 ? [Math.max(bytes / 1e3, 1), "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(lang, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** A day, of seconds since 1970. */
export function day(seconds: number): string {
  return new Intl.DateTimeFormat(lang, { dateStyle: "medium" }).format(new Date(1000 * seconds));
}

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
