/** The two ways in which a call can fail. No message holds the API key. */

export interface ErrorDetail {
  /** A path in the request, such as `body.webhookUrl`. */
  readonly field: string;
  readonly message: string;
}

interface Refusal {
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

  constructor({ status, code, message, details }: Refusal) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/**
 * There was no usable answer after all tries: no connection, a timeout, something that is not the
 * service. Whether the service did what it was asked is not known. `cause` is the last failure.
 */
export class WebhookDeliveryConnectionError extends Error {
  override readonly name = "WebhookDeliveryConnectionError";
}
