/**
 * Publishes an event: the event and the deliveries to everybody who subscribes to it, all or none in
 * one transaction. When this returns they are committed. The same id again, with the same content,
 * publishes nothing and gives the first deliveries.
 */
import { createHash } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { DomainError } from "../core/errors.ts";
import { inTransaction, type Queryable } from "../db/client.ts";
import { listIdsOfEvent } from "../db/event-deliveries.ts";
import { findEarlierEvent, insertEvent, type NewEvent } from "../db/events.ts";
import { refuseUnstorable } from "../db/unstorable.ts";
import { fanOut, type FannedOut } from "./fan-out.ts";
import { moveLinesOn, type LineDeps } from "./lines.ts";

export interface PublishDeps extends LineDeps {
  readonly defaultMaxAttempts: number;
}

export interface EventRequest {
  readonly clientId: string | null;
  /** Null: it gets one of ours. */
  readonly eventId: string | null;
  readonly type: string;
  readonly source: string | null;
  /** JSON as its publisher spelled it. */
  readonly dataText: string;
  readonly occurredAt: Date;
}

export interface Published {
  readonly eventId: string;
  readonly deliveryIds: readonly string[];
  readonly disabledIds: readonly string[];
  readonly isReplay: boolean;
}

export async function publishEvent(deps: PublishDeps, request: EventRequest): Promise<Published> {
  const id = uuidv7();
  const eventId = request.eventId ?? id;
  const wanted: NewEvent = {
    ...request,
    id,
    eventId,
    contentHash: hashContent(request),
    isPublished: true,
  };
  const done = await refuseUnstorable(() =>
    inTransaction(deps.sql, async (tx) => {
      const event = await insertEvent(tx, wanted);
      if (event === undefined) return undefined;
      return fanOut(
        tx,
        { ...event, dataText: request.dataText },
        { defaultMaxAttempts: deps.defaultMaxAttempts },
      );
    }),
  );
  if (done === undefined) return findPublished(deps.sql, wanted);
  await moveLinesOn(deps, done.orderedEndpointIds);
  return { eventId, ...pick(done), isReplay: false };
}

function pick({ deliveryIds, disabledIds }: FannedOut) {
  return { deliveryIds, disabledIds };
}

async function findPublished(sql: Queryable, wanted: NewEvent): Promise<Published> {
  const earlier = await findEarlierEvent(sql, wanted);
  if (earlier?.isSame === false) {
    throw new DomainError(
      "idempotency_conflict",
      "This eventId was used for an event with another type, source or data.",
      [{ field: "body.eventId", message: "belongs to another event" }],
    );
  }
  const ids = await listIdsOfEvent(sql, wanted);
  return {
    eventId: wanted.eventId,
    deliveryIds: ids.filter(({ isDisabled }) => !isDisabled).map(({ id }) => id),
    disabledIds: ids.filter(({ isDisabled }) => isDisabled).map(({ id }) => id),
    isReplay: true,
  };
}

/** Without the time: a publisher that asks again may have looked at its clock again. */
export function hashContent({
  type,
  source,
  dataText,
}: Pick<EventRequest, "type" | "source" | "dataText">): Buffer {
  const content = JSON.stringify([type, source, dataText]);
  return createHash("sha256").update(content).digest();
}
