import type { Reason } from "./host";

/**
 * A call of the service that failed. The code is one of the service's, or "offline" (no answer came), "aborted" (the
 * caller's signal) or "token_expired" (and the store gave no new one).
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** The input concerned, as the service names it; may be empty. */
  readonly field: string;
  readonly reasons: readonly Reason[];
  readonly retryable: boolean;
  /** Seconds to wait before another try, where the service said so. */
  readonly retryAfter: number | null;

  constructor(
    code: string,
    rest: Partial<Pick<ApiError, "status" | "field" | "reasons" | "retryable" | "retryAfter">> = {},
  ) {
    super(code);
    this.code = code;
    this.status = rest.status ?? 0;
    this.field = rest.field ?? "";
    this.reasons = rest.reasons ?? [];
    this.retryable = rest.retryable ?? false;
    this.retryAfter = rest.retryAfter ?? null;
  }

  /** By name, not instanceof: the card and the flow are two bundles with one class each. */
  static is(error: unknown): error is ApiError {
    return error instanceof Error && error.name === "ApiError";
  }
}
