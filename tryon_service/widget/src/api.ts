// All calls of the service. Photos go out as they are given and are kept nowhere here.
import { ApiError } from "./api-error";
import type { Api, FoundPose, Reason, Rendered, Verdict } from "./host";
import type { TokenSource } from "./token";

/** Seconds that a pose is good for: a visit, not a day. */
const POSE_TTL = 4 * 3600;
/** Tries of a picture that a busy service puts off, and the wait in seconds where it names none. */
const TRIES = 4;
const WAIT = 2;

/** One foreign product fails a whole batch; so many may be left out of it, each by a call. */
const FOREIGN = 5;

/** What a signed link shows: the original photo where the verdict is "refused". */
export interface Linked {
  readonly picture: Blob;
  readonly verdict: Verdict | "refused";
  /** Codes. */
  readonly reasons: readonly string[];
}

interface PoseAnswer {
  readonly pose: string;
  readonly expires_at: number;
  readonly keypoints_coco18: FoundPose["joints"];
  readonly view: string | null;
  readonly width: number;
  readonly height: number;
}

interface Problem {
  readonly code: string;
  readonly field: string;
  readonly reasons: readonly Reason[];
  readonly retryable: boolean;
}

export class Service implements Api {
  #base: URL;
  #tokens: TokenSource;

  /** base: address of the service, with a slash at its end. */
  constructor(base: URL, tokens: TokenSource) {
    this.#base = base;
    this.#tokens = tokens;
  }

  /** Gets the token that calls for these products will need, so that the first of them doesn't wait for it. */
  prepare(products: readonly string[]): void {
    this.#tokens.get(products).catch(() => {}); // the call itself will say so
  }

  async pose(photo: Blob, onProgress: (share: number) => void, signal: AbortSignal): Promise<FoundPose> {
    const form = formOf({ shopper: photo, ttl: String(POSE_TTL) });
    const found = await this.#authorized([], (token) => upload(this.#at("v1/poses"), token, form, onProgress, signal));
    return {
      token: found.pose,
      expires: found.expires_at,
      joints: found.keypoints_coco18,
      view: found.view,
      width: found.width,
      height: found.height,
    };
  }

  async render(
    pose: string,
    product: string,
    background: string,
    minVerdict: Verdict,
    signal: AbortSignal,
  ): Promise<Rendered> {
    const body = formOf({ pose, product_id: product, background, min_verdict: minVerdict });
    const headers = { Accept: "image/webp,image/jpeg" };
    const response = await this.#post("v1/renders", [product], { body, headers, signal });
    const picture = await bodyOf(response, "blob");
    const verdict = response.headers.get("Tryon-Verdict") === "accepted" ? "accepted" : "doubtful";
    return { picture, verdict, reasons: codesOf(response), type: picture.type };
  }

  links(pose: string, products: readonly string[], width: number, minVerdict: Verdict): Promise<Map<string, string>> {
    return this.#sign(products, { pose, w: width, min_verdict: minVerdict });
  }

  async photo(product: string, width: number): Promise<string> {
    const link = (await this.#sign([product], { w: width })).get(product);
    if (link === undefined) throw new ApiError("unknown_product", { status: 404 });
    return link;
  }

  /** left: how many products that the token isn't for may still be left out. */
  async #sign(products: readonly string[], wanted: object, left = FOREIGN): Promise<Map<string, string>> {
    const body = JSON.stringify({ ...wanted, product_ids: products });
    const headers = { "Content-Type": "application/json" };
    try {
      const response = await this.#post("v1/render-urls", products, { body, headers });
      const { links }: { links: { product_id: string; url: string }[] } = await bodyOf(response, "json");
      return new Map(links.map(({ product_id, url }) => [product_id, url]));
    } catch (error) {
      if (!ApiError.is(error)) throw error;
      if (error.code === "unknown_product") return new Map();
      const foreign = Number(/^product_ids\[(\d+)\]$/.exec(error.field)?.[1] ?? Number.NaN);
      if (error.code !== "forbidden" || !(foreign < products.length) || left === 0) throw error;
      if (products.length === 1) return new Map();
      return this.#sign(
        products.filter((_, index) => index !== foreign),
        wanted,
        left - 1,
      );
    }
  }

  #post(path: string, products: readonly string[], init: RequestInit): Promise<Response> {
    return this.#authorized(products, (token) =>
      ask(this.#at(path), { ...init, method: "POST", headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
    );
  }

  /** With a token that the service refuses, once more with another. */
  async #authorized<T>(products: readonly string[], call: (token: string) => Promise<T>): Promise<T> {
    const token = await this.#tokens.get(products);
    try {
      return await call(token);
    } catch (error) {
      if (!ApiError.is(error) || (error.status !== 401 && error.code !== "token_spent")) throw error;
    }
    return call(await this.#tokens.renew(token, products));
  }

  #at(path: string): URL {
    return new URL(path, this.#base);
  }
}

/** The picture behind a signed link; a busy service is asked again, after the time it names. */
export async function fetchLinked(url: string, signal: AbortSignal): Promise<Linked> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await ask(new URL(url), { signal });
      const verdict = (response.headers.get("Tryon-Verdict") ?? "refused") as Linked["verdict"];
      return { picture: await bodyOf(response, "blob"), verdict, reasons: codesOf(response) };
    } catch (error) {
      if (!ApiError.is(error) || !error.retryable || error.code === "offline" || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retryAfter ?? WAIT)));
    }
  }
}

async function ask(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, credentials: "omit", referrerPolicy: "no-referrer" }).catch(gone);
  if (!response.ok) throw problem(response.status, await response.text().catch(gone), response.headers);
  return response;
}

/** Reading the body fails as the call does when the connection breaks in the middle. */
function bodyOf<K extends "blob" | "json">(response: Response, kind: K): ReturnType<Response[K]> {
  return response[kind]().catch(gone) as ReturnType<Response[K]>;
}

function gone(error: unknown): never {
  const aborted = error instanceof DOMException && error.name === "AbortError";
  throw aborted ? new ApiError("aborted") : new ApiError("offline", { retryable: true });
}

// XMLHttpRequest, because fetch tells nothing of an upload's progress.
function upload(
  url: URL,
  token: string,
  form: FormData,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<PoseAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new ApiError("aborted"));
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.onabort = () => reject(new ApiError("aborted"));
    request.onerror = () => reject(new ApiError("offline", { retryable: true }));
    request.onload = () => {
      const found = request.status === 200 ? parse<PoseAnswer>(request.responseText) : null;
      if (found) resolve(found);
      else reject(problem(request.status, request.responseText, headersOf(request)));
    };
    request.open("POST", url);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.send(form);
  });
}

function headersOf(request: XMLHttpRequest): Headers {
  return new Headers({ "Retry-After": request.getResponseHeader("Retry-After") ?? "" });
}

/** The problem document as an error; a proxy on the way may answer with anything else. */
function problem(status: number, text: string, headers: Headers): ApiError {
  const retryAfter = Number.parseInt(headers.get("Retry-After") ?? "", 10) || null;
  const found = parse<Problem>(text);
  if (typeof found?.code === "string") return new ApiError(found.code, { ...found, status, retryAfter });
  return new ApiError("internal", { status, retryable: status >= 500 || status === 429, retryAfter });
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function codesOf(response: Response): string[] {
  return (response.headers.get("Tryon-Reasons") ?? "").split(", ").filter(Boolean);
}

function formOf(fields: Readonly<Record<string, string | Blob>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}
