/** The two ways in which a call can fail. No message holds the API key. */

export interface ErrorDetail {
  /** A path in the request, such as `body.webhookUrl`. */
  readonly field: string;
  readonly message: string;
}

interface Asked {
  readonly idempotencyKey?: string | null;
}

interface Refusal extends Asked {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details: readonly ErrorDetail[];
}

/** The service said no. `code` is stable: branch on it, not on the message. */
export class WebhookDeliveryError extends Error {
  override readonly name = "WebhookDeliveryError";
  /** The HTTP status. */
  readonly status: number;
  readonly code: string;
  readonly details: readonly ErrorDetail[];
  /** The service's own sentence; `message` names the first detail as well. */
  readonly reason: string;
  /** What the call was known by to the service: its key or eventId, also one that the client made. */
  readonly idempotencyKey: string | null;

  constructor({ status, code, message, details, idempotencyKey = null }: Refusal) {
    super(withFirst(details, message));
    this.status = status;
    this.code = code;
    this.details = details;
    this.reason = message;
    this.idempotencyKey = idempotencyKey;
  }
}

/**
 * There was no usable answer after all tries: no connection, a timeout, something that is not the
 * service. Whether the service did what it was asked is not known: with `idempotencyKey` it can be
 * asked again, and is done once. `cause` is the last failure.
 */
export class WebhookDeliveryConnectionError extends Error {
  override readonly name = "WebhookDeliveryConnectionError";
  /** The key or eventId of the call, also one that the client made; null: the call has none. */
  readonly idempotencyKey: string | null;

  constructor(message: string, { idempotencyKey = null, ...options }: ErrorOptions & Asked = {}) {
    super(message, options);
    this.idempotencyKey = idempotencyKey;
  }
}

/** A log often holds no more than the message. */
function withFirst([detail]: readonly ErrorDetail[], message: string): string {
  if (detail === undefined) return message;
  if (detail.message === message) return `${message} (${detail.field})`;
  return `${message} ${detail.field}: ${detail.message}`;
}
