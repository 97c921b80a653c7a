/** Deliveries and attempts as the API shows them. */
import { maskUrl } from "@webhook-delivery/shared/core/destination-url.ts";
import type { Delivery } from "@webhook-delivery/shared/db/deliveries.ts";
import type { LoggedAttempt } from "@webhook-delivery/shared/db/delivery-logs.ts";

/** Whatever else comes with the row stays out. */
export function deliveryJson(
  row: Delivery & { readonly body?: string; readonly payloadText?: string },
) {
  const { body: _body, payloadText: _payloadText, ...delivery } = row;
  return {
    ...delivery,
    webhookUrl: maskUrl(delivery.webhookUrl),
    sentAt: time(delivery.sentAt),
    // The row also holds when a first attempt became due, which is no retry.
    nextRetryAt: delivery.attempt === 0 ? null : time(delivery.nextRetryAt),
    deliveredAt: time(delivery.deliveredAt),
    createdAt: delivery.createdAt.toISOString(),
    updatedAt: delivery.updatedAt.toISOString(),
  };
}

export function attemptJson(attempt: LoggedAttempt) {
  return {
    ...attempt,
    attemptedAt: attempt.attemptedAt.toISOString(),
    retryAt: time(attempt.retryAt),
  };
}

function time(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
