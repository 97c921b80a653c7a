/** The headers of one attempt, as the contract's section 4 lists them. */
import { sign } from "./signing.ts";

export interface AttemptRequest {
  readonly deliveryId: string;
  readonly eventType: string;
  readonly attempt: number;
  readonly body: string;
  /** Newest first; empty: the attempt carries no signature at all. */
  readonly secrets: readonly string[];
  readonly sentAt: Date;
  readonly userAgent: string;
}

export function buildRequestHeaders(request: AttemptRequest): Record<string, string> {
  const timestamp = Math.floor(request.sentAt.getTime() / 1000);
  const signatures = sign(
    { id: request.deliveryId, timestamp, body: request.body },
    request.secrets,
  );
  return {
    "content-type": "application/json",
    "user-agent": request.userAgent,
    "webhook-id": request.deliveryId,
    "webhook-timestamp": String(timestamp),
    "x-webhook-timestamp": String(timestamp),
    "x-webhook-event": request.eventType,
    "x-webhook-attempt": String(request.attempt),
    "x-webhook-version": "1.0",
    ...(signatures && {
      "webhook-signature": signatures.standard,
      "x-webhook-signature": signatures.plain,
    }),
  };
}
