/**
 * A mistake of the caller's, with a stable code; the HTTP layer turns it into a 4xx.
 *
 * What a receiver did wrong is an outcome (a value, see outcome.ts), and what went wrong on our side
 * is any other thrown error: those two are never a DomainError.
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];

  constructor(code: ErrorCode, message: string, details: readonly ErrorDetail[] = []) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** `field` is a path in the request such as `body.lead.email`. */
export interface ErrorDetail {
  readonly field: string;
  readonly message: string;
}

/** Every code a caller can meet, with its HTTP status. Codes are stable: rename none. */
export const ERROR_STATUS = {
  invalid_request: 400,
  invalid_json: 400,
  invalid_utf8: 400,
  invalid_content_encoding: 400,
  invalid_text: 400,
  json_too_deep: 400,
  invalid_url: 400,
  address_refused: 400,
  invalid_cursor: 400,
  invalid_idempotency_key: 400,
  invalid_headers: 400,
  invalid_payload: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  lead_not_found: 404,
  endpoint_not_found: 404,
  client_not_found: 404,
  method_not_allowed: 405,
  idempotency_conflict: 409,
  not_retryable: 409,
  not_cancellable: 409,
  endpoint_disabled: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;
