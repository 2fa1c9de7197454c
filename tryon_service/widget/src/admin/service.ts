// The calls of the service that this page makes, with the shop's API key.

export type View = "front" | "three_quarter" | "side" | "back";
export type Scope = "products" | "render" | "admin";
export type Overlay = "pose" | "parsing" | "layers";
export type Verdict = "accepted" | "doubtful" | "refused";

export interface Reason {
  readonly code: string;
  /** "shopper", "product" or "product[i]", counted from 0; may be empty. */
  readonly photo: string;
  readonly part: string;
  readonly value: number | null;
  readonly limit: number | null;
}

export interface StoredPhoto {
  readonly sha256: string;
  readonly bytes: number;
  readonly view: View | null;
  readonly seen_view: View | null;
  readonly width: number;
  readonly height: number;
  /** Empty where the photo can be used. */
  readonly reasons: readonly Reason[];
}

export interface Product {
  readonly id: string;
  readonly photos: readonly StoredPhoto[];
  readonly rights_reference: string;
  /** Seconds since 1970. */
  readonly updated_at: number;
}

export interface ProductPage {
  readonly products: readonly Product[];
  /** Empty at the end. */
  readonly next_page_token: string;
}

export interface Render {
  /** Base64. */
  readonly image: string;
  readonly content_type: string;
  readonly width: number;
  readonly height: number;
  readonly report: {
    readonly verdict: Verdict;
    readonly reasons: readonly Reason[];
    /** In [0, 1]; 1 is flawless. */
    readonly scores: Readonly<Record<string, number>>;
    readonly product_used: number | null;
  };
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly field?: string;
  readonly reasons?: readonly Reason[];
  readonly request_id?: string;
}

/** Why a call failed. code: the service's, or "offline" where no answer came. */
export class ServiceError extends Error {
  readonly code: string;
  readonly field: string;
  readonly reasons: readonly Reason[];
  readonly requestId: string;
  /** Seconds after which trying again makes sense, null where the service doesn't say. */
  readonly retryAfter: number | null;

  constructor(problem: Problem, retryAfter: string | null = null) {
    super(problem.detail ?? "");
    this.code = problem.code ?? "internal";
    this.field = problem.field ?? "";
    this.reasons = problem.reasons ?? [];
    this.requestId = problem.request_id ?? "";
    this.retryAfter = retryAfter === null ? null : Number(retryAfter);
  }
}

/** Calls that cost nothing and are forbidden to a key without the scope; the last one finds nothing, which is fine. */
const SCOPE_PROBES: Readonly<Record<Scope, string>> = {
  products: "/v1/products?page_size=1",
  render: "/v1/poses",
  admin: "/v1/products/-/overlays/8",
};

export class Service {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** The scopes that the key lacks. Rejects with ServiceError, "unauthorized" for a key that isn't one. */
  async missingScopes(): Promise<Scope[]> {
    const missing: Scope[] = [];
    for (const [scope, path] of Object.entries(SCOPE_PROBES) as [Scope, string][]) {
      try {
        await this.#call(path);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (error.code === "forbidden") missing.push(scope);
        else if (error.code !== "not_found") throw error;
      }
    }
    return missing;
  }

  async products(pageToken: string, signal: AbortSignal): Promise<ProductPage> {
    const token = pageToken ? `&page_token=${encodeURIComponent(pageToken)}` : "";
    return this.#json(`/v1/products?page_size=${PAGE}${token}`, { signal });
  }

  async product(id: string, signal: AbortSignal): Promise<Product> {
    return this.#json(pathOf(id), { signal });
  }

  async remove(id: string): Promise<void> {
    await this.#call(pathOf(id), { method: "DELETE" });
  }

  /** The photo as JPEG. index: counted from 0; width: pixels at most. */
  async photo(id: string, index: number, width: number): Promise<Blob> {
    return (await this.#call(`${pathOf(id)}/photos/${index}?w=${width}`)).blob();
  }

  async overlay(id: string, index: number, kind: Overlay): Promise<Blob> {
    return (await this.#call(`${pathOf(id)}/overlays/${index}?kind=${kind}`)).blob();
  }

  /** Names of the house poses. */
  async poses(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#json<{ poses: readonly string[] }>("/v1/poses", { signal })).poses;
  }

  /** The product in a house pose, by its name, or in that of somebody's photo. */
  async render(id: string, pose: string | File, signal: AbortSignal): Promise<Render> {
    const body = new FormData();
    if (typeof pose === "string") body.append("pose", `name:${pose}`);
    else body.append("shopper", pose, "photo");
    body.append("product_id", id);
    return this.#json("/v1/renders", { method: "POST", body, signal, headers: { Accept: "application/json" } });
  }

  /** Puts a product's photos. onSent: share of the upload in [0, 1]; at 1 the service begins to look at them. */
  put(id: string, form: FormData, onSent: (share: number) => void, signal: AbortSignal): Promise<Product> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch doesn't tell how much has been sent
      request.open("PUT", pathOf(id));
      request.setRequestHeader("Authorization", `Bearer ${this.#key}`);
      request.upload.onprogress = ({ loaded, total }) => onSent(total ? loaded / total : 0);
      request.upload.onload = () => onSent(1);
      request.onerror = () => reject(new ServiceError({ code: "offline" }));
      request.onabort = () => reject(signal.reason);
      request.onload = () => {
        const answer = parsed(request.responseText);
        if (request.status < 300) resolve(answer as Product);
        else reject(new ServiceError(answer as Problem, request.getResponseHeader("Retry-After")));
      };
      signal.addEventListener("abort", () => request.abort());
      request.send(form);
    });
  }

  async #json<T>(path: string, options: RequestInit): Promise<T> {
    return (await this.#call(path, options)).json() as Promise<T>;
  }

  async #call(path: string, options: RequestInit = {}): Promise<Response> {
    const headers = { ...options.headers, Authorization: `Bearer ${this.#key}` };
    let answer: Response;
    try {
      answer = await fetch(path, { ...options, headers, credentials: "omit", referrerPolicy: "no-referrer" });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new ServiceError({ code: "offline" });
    }
    if (answer.ok) return answer;
    throw new ServiceError(parsed(await answer.text()), answer.headers.get("Retry-After"));
  }
}

/** Products asked for at once. */
const PAGE = 60;

function pathOf(id: string): string {
  return `/v1/products/${encodeURIComponent(id)}`;
}

/** A problem document; something between us and the service may have answered instead, in no such form. */
function parsed(text: string): Problem {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
