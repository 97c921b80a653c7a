/** Why a webhook is not to be trusted, or not to be read. */

export type VerificationErrorCode =
  /** No signature, or one without its id or timestamp. */
  | "missing_headers"
  | "invalid_timestamp"
  | "timestamp_too_old"
  | "timestamp_too_new"
  | "no_matching_signature"
  /** The receiver's own secret is empty, or no base64 after `whsec_`. */
  | "invalid_secret"
  /** The signature is right and the body is no JSON. */
  | "invalid_json";

/** No message holds a secret or an expected signature. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
  readonly code: VerificationErrorCode;

  constructor(code: VerificationErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
