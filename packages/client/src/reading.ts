/** What an answer says: a body, the service's refusal, or nothing that the service would say. */
import {
  WebhookDeliveryConnectionError,
  WebhookDeliveryError,
  type ErrorDetail,
} from "./errors.ts";
import type { Answer } from "./exchange.ts";

export type Reading =
  | { readonly body: object; readonly error?: undefined }
  | { readonly error: WebhookDeliveryError | WebhookDeliveryConnectionError };

interface Body {
  readonly status?: unknown;
  readonly error?: {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly details?: readonly ErrorDetail[];
  };
}

/** `idempotencyKey`: what an error shows, for the caller to ask again with. */
export function read({ status, text }: Answer, idempotencyKey: string | null): Reading {
  const parsed = parse(text);
  if (status >= 200 && status < 300 && parsed?.status === "success") {
    const { status: _, ...body } = parsed;
    return { body };
  }
  const { code, message, details = [] } = parsed?.error ?? {};
  if (status >= 400 && typeof code === "string") {
    const refusal = { status, code, message: String(message), details, idempotencyKey };
    return { error: new WebhookDeliveryError(refusal) };
  }
  return { error: new WebhookDeliveryConnectionError(explain(status), { idempotencyKey }) };
}

function parse(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function explain(status: number): string {
  // Browsers hide the status of a redirect that is not followed.
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  return isRedirect
    ? "The answer was a redirect: url must be the service's own, https where it is"
    : `The answer (HTTP ${status}) is not one of the service: is url right?`;
}
