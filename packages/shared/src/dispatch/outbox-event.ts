/** An outbox row without an endpoint: publishes its event, in the transaction that takes the row. */
import { v7 as uuidv7 } from "uuid";
import { DomainError } from "../core/errors.ts";
import { eventTypeOf } from "../core/outbox.ts";
import type { Queryable } from "../db/client.ts";
import { findEarlierEvent, insertEvent, type NewEvent, type WebhookEvent } from "../db/events.ts";
import type { WaitingMessage } from "../db/outbox.ts";
import { refuseUnstorable } from "../db/unstorable.ts";
import { fanOut } from "./fan-out.ts";
import type { Lookups } from "./outbox-lookups.ts";
import { hashContent } from "./publish-event.ts";

export interface PublishedMessage {
  /** Of those that will be made, and of those that stand for disabled endpoints. */
  readonly deliveries: number;
  /** Lines to move on after the commit. */
  readonly lines: readonly string[];
}

export interface PublishParts {
  readonly tx: Queryable;
  readonly lookups: Lookups;
  readonly defaultMaxAttempts: number;
}

/** Throws `client_not_found`, `idempotency_conflict`; nothing of it is left in the transaction then. */
export async function publishMessage(
  parts: PublishParts,
  message: WaitingMessage,
): Promise<PublishedMessage> {
  const { tx } = parts;
  await tx`savepoint outbox_message`;
  try {
    return await refuseUnstorable(() => publish(parts, message));
  } catch (error) {
    if (error instanceof DomainError) await tx`rollback to savepoint outbox_message`;
    throw error;
  }
}

async function publish(
  { tx, lookups, defaultMaxAttempts }: PublishParts,
  message: WaitingMessage,
): Promise<PublishedMessage> {
  const { id: outboxMessageId, clientId, dataText, source } = message;
  if (clientId !== null && !(await lookups.isClient(clientId))) {
    throw new DomainError("client_not_found", "There is no such client.");
  }
  const content = { type: eventTypeOf(message), source, dataText };
  const wanted: NewEvent = {
    id: uuidv7(),
    clientId,
    eventId: message.eventId ?? message.id,
    ...content,
    contentHash: hashContent(content),
    occurredAt: message.createdAt,
    isPublished: true,
  };
  const event = (await insertEvent(tx, wanted)) ?? (await unheardEvent(tx, wanted, message));
  if (event === undefined) return { deliveries: 0, lines: [] };
  const made = await fanOut(
    tx,
    { ...event, dataText },
    {
      defaultMaxAttempts,
      outboxMessageId,
      subscribers: await lookups.subscribersTo(event),
      // The scheduler takes them from here: it is woken at once.
    },
  );
  const deliveries = made.deliveryIds.length + made.disabledIds.length;
  return { deliveries, lines: made.orderedEndpointIds };
}

/**
 * The event was published before, and once is enough. But a row that is to be tried again, and whose
 * event went to nobody, may find somebody now.
 */
async function unheardEvent(
  tx: Queryable,
  wanted: NewEvent,
  { isAskedAgain }: WaitingMessage,
): Promise<WebhookEvent | undefined> {
  const earlier = await findEarlierEvent(tx, wanted);
  if (earlier?.isSame === false) {
    throw new DomainError(
      "idempotency_conflict",
      "This event_id was used for an event with another type, source or data.",
    );
  }
  return isAskedAgain && earlier?.hasDeliveries === false ? earlier : undefined;
}
