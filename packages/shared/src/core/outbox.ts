/** The outbox's own words: what its rows can be, and how its notifications are told apart. */
import { DEFAULT_EVENT_TYPE } from "./delivery.ts";

export type OutboxStatus = "queued" | "sent" | "failed";

/** What the triggers of migrations/0008_outbox.sql notify. */
export const OUTBOX_CHANNEL = "outbox_messages";

const PHONE_EVENT_TYPE = "message.send";

/** Of a row that gives an endpoint and no event type. */
export function eventTypeOf(message: {
  readonly eventType: string | null;
  readonly toPhone: string | null;
}): string {
  const usual = message.toPhone === null ? DEFAULT_EVENT_TYPE : PHONE_EVENT_TYPE;
  return message.eventType ?? usual;
}

/**
 * By how it came to nothing before anything could be sent, for the row's `last_error`: the code is
 * stable.
 */
export function refusalText({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}) {
  return `${code}: ${message}`;
}
