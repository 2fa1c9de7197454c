// A product on its way in: kept while the page is open, so that nothing typed or chosen is lost by looking elsewhere.
import type { View } from "./service";
import { megabytes, t } from "./texts";

/** Of one product. */
const MAX_PHOTOS = 8;
/** Bytes of one photo. */
const MAX_PHOTO = 20_000_000;
/** Bytes of all photos together: the service takes 80 MB with the fields around them. */
const MAX_CALL = 79_000_000;
const ID = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/;
/** Kinds of file that browsers tell apart from pictures; all else is for the service to look at. */
const NO_PHOTO = /^(?:application|audio|video|text)\//;

export interface Chosen {
  readonly file: File;
  /** For its preview. */
  readonly url: string;
  view: View | "unknown";
  /** What is wrong with it, in words; empty where nothing is known to be. */
  problem: string;
}

/** Where something is wrong. */
export type Place = "id" | "photos" | "rights" | "reference";

export class Draft {
  readonly photos: Chosen[] = [];
  id = "";
  rights = false;
  reference = "";

  /** Adds photos up to the most; returns how many were left out. */
  add(files: Iterable<File>): number {
    let left = 0;
    for (const file of files) {
      if (this.photos.length === MAX_PHOTOS) left += 1;
      else this.photos.push({ file, url: URL.createObjectURL(file), view: "unknown", problem: fileProblem(file) });
    }
    return left;
  }

  remove(index: number): void {
    for (const { url } of this.photos.splice(index, 1)) URL.revokeObjectURL(url);
  }

  move(from: number, to: number): void {
    const [photo] = this.photos.splice(from, 1);
    if (photo) this.photos.splice(to, 0, photo);
  }

  /** What is missing or wrong as far as can be told here, in words by place; empty if it can be sent. */
  problems(): Map<Place, string> {
    const found = new Map<Place, string>();
    const bytes = this.photos.reduce((sum, { file }) => sum + file.size, 0);
    if (!this.id) found.set("id", t("form.needs.id"));
    else if (!ID.test(this.id)) found.set("id", t("form.needs.idform"));
    if (this.photos.length === 0) found.set("photos", t("form.needs.photos"));
    else if (bytes > MAX_CALL)
      found.set("photos", t("form.toobig", { mb: megabytes(bytes), most: megabytes(MAX_CALL) }));
    else if (this.photos.some(({ file }) => fileProblem(file))) found.set("photos", t("form.wrong"));
    if (!this.rights) found.set("rights", t("form.needs.rights"));
    if (!this.reference.trim()) found.set("reference", t("form.needs.reference"));
    return found;
  }

  form(): FormData {
    const form = new FormData();
    for (const { file, view } of this.photos) {
      form.append("photos", file, "photo"); // the file's own name is nobody's business
      form.append("views", view);
    }
    form.append("rights_confirmed", String(this.rights));
    form.append("rights_reference", this.reference.trim());
    return form;
  }

  clear(): void {
    while (this.photos.length) this.remove(0);
    this.id = this.reference = "";
    this.rights = false;
  }
}

/** What is wrong with a file before anybody looks into it. */
export function fileProblem(file: File): string {
  if (NO_PHOTO.test(file.type) || file.size === 0) return t("form.kind");
  if (file.size <= MAX_PHOTO) return "";
  return t("form.big", { mb: megabytes(file.size), most: megabytes(MAX_PHOTO) });
}

export function limits(): { n: number; mb: string } {
  return { n: MAX_PHOTOS, mb: megabytes(MAX_PHOTO) };
}
