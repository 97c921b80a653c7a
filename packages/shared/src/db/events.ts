/** Queries on `webhook_events`. */
import { belongsTo, type Queryable } from "./client.ts";

export interface WebhookEvent {
  readonly id: string;
  readonly clientId: string | null;
  /** The publisher's own, or ours as text; unique per client. */
  readonly eventId: string;
  readonly type: string;
  readonly source: string | null;
  readonly occurredAt: Date;
  readonly createdAt: Date;
}

export interface NewEvent extends Omit<WebhookEvent, "createdAt"> {
  /** JSON as its publisher spelled it. */
  readonly dataText: string;
  /** SHA-256 of type, source and data as they were spelled. */
  readonly contentHash: Buffer;
  /** False: a worker makes its deliveries. */
  readonly isPublished: boolean;
}

/** Undefined: this client has published an event with this id before. */
export async function insertEvent(
  sql: Queryable,
  event: NewEvent,
): Promise<WebhookEvent | undefined> {
  const [row] = await sql<WebhookEvent[]>`
    insert into webhook_events
      (id, client_id, event_id, type, source, data, data_text, content_hash, occurred_at,
       published_at)
    values
      (${event.id}, ${event.clientId}, ${event.eventId}, ${event.type}, ${event.source},
       ${event.dataText}::text::jsonb, ${event.dataText}, ${event.contentHash}, ${event.occurredAt},
       ${event.isPublished ? sql`now()` : null})
    on conflict do nothing
    returning ${columns(sql)}`;
  return row;
}

export interface EventKey {
  readonly eventId: string;
  /** Null: the operator's own. */
  readonly clientId: string | null;
}

/** What stands under an event id that was used before. */
export interface EarlierEvent extends WebhookEvent {
  /** Its type, source and data are those that are asked about; the data as jsonb, however it is spelled. */
  readonly isSame: boolean;
  readonly hasDeliveries: boolean;
}

export async function findEarlierEvent(
  sql: Queryable,
  event: EventKey & Pick<NewEvent, "type" | "source" | "dataText" | "contentHash">,
): Promise<EarlierEvent | undefined> {
  const { eventId, clientId, type, source, dataText, contentHash } = event;
  const [row] = await sql<EarlierEvent[]>`
    select ${columns(sql)},
      -- The hash only spares reading the data: that of a row of the outbox is of another spelling.
      content_hash = ${contentHash} or (
        type = ${type} and source is not distinct from ${source}::text
          and data = ${dataText}::text::jsonb
      ) as "isSame",
      exists (
        select from webhook_deliveries as delivery
        where delivery.event_id = event.event_id
          and delivery.client_id is not distinct from event.client_id
      ) as "hasDeliveries"
    from webhook_events as event
    where ${belongsTo(sql, clientId)} and event_id = ${eventId}`;
  return row;
}

/** `clientId` undefined: any client's, the operator's own first. */
export async function findEvent(
  sql: Queryable,
  { eventId, clientId }: { readonly eventId: string; readonly clientId: string | undefined },
): Promise<(WebhookEvent & { readonly dataText: string }) | undefined> {
  const ofClient = clientId === undefined ? sql`` : sql`and client_id = ${clientId}`;
  const [row] = await sql<(WebhookEvent & { dataText: string })[]>`
    select ${columns(sql)}, data::text as "dataText" from webhook_events where event_id = ${eventId} ${ofClient}
    order by client_id nulls first, id desc limit 1`;
  return row;
}

/** The oldest event that waits for its deliveries, locked; other workers take other ones. */
export async function lockUnpublishedEvent(
  tx: Queryable,
): Promise<(WebhookEvent & { readonly dataText: string }) | undefined> {
  const [row] = await tx<(WebhookEvent & { dataText: string })[]>`
    select ${columns(tx)}, data_text as "dataText" from webhook_events
    where published_at is null order by id limit 1 for update skip locked`;
  return row;
}

export async function markPublished(tx: Queryable, id: string): Promise<void> {
  await tx`update webhook_events set published_at = now() where id = ${id}`;
}

function columns(sql: Queryable) {
  return sql`id, client_id as "clientId", event_id as "eventId", type, source,
    occurred_at as "occurredAt", created_at as "createdAt"`;
}
