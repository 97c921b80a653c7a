/** Queries on `outbox_messages` made to take its rows. How they end: outbox-mirror.ts. */
import type { OutboxStatus } from "../core/outbox.ts";
import { uuidArray, type Queryable } from "./client.ts";

/** A row that was not taken yet, or is to be taken again. */
export interface WaitingMessage {
  readonly id: string;
  readonly clientId: string | null;
  readonly endpointId: string | null;
  readonly eventType: string | null;
  readonly source: string | null;
  readonly eventId: string | null;
  readonly toPhone: string | null;
  /** The payload as JSON; that of a row with a phone number says where to and what. */
  readonly dataText: string;
  readonly createdAt: Date;
  /** An application has set it back to `queued`. */
  readonly isAskedAgain: boolean;
}

export async function isWaiting(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`
    select from outbox_messages
    where id = ${id} and status = 'queued' and taken_at is null
      and (next_attempt_at is null or next_attempt_at <= now())`;
  return rows.count > 0;
}

/**
 * Undefined: nothing is to become due. What just became due counts, so that nothing falls between two
 * looks; what is due for longer was left by the last look for a reason.
 */
export async function nextDueInMs(sql: Queryable): Promise<number | undefined> {
  const [row] = await sql<{ inMs: number | null }[]>`
    select extract(epoch from min(next_attempt_at) - now())::float8 * 1000 as "inMs"
    from outbox_messages
    where status = 'queued' and taken_at is null and next_attempt_at > created_at
      and next_attempt_at > now() - interval '1 second'
      -- What waits for ever is never due; before PostgreSQL 17 nothing can be subtracted from it either.
      and next_attempt_at < 'infinity'`;
  return row?.inMs ?? undefined;
}

export interface TakenMessage {
  readonly id: string;
  readonly status: OutboxStatus;
  readonly lastError: string | null;
}

export async function recordTaken(tx: Queryable, taken: readonly TakenMessage[]): Promise<void> {
  // A delivery of a row that was asked for again may have ended while this was not committed: whoever
  // folded that note saw a row that waits, and left it.
  await tx`
    insert into outbox_notes
    select id from outbox_messages
    where id = any (${uuidArray(taken.map(({ id }) => id))}::text::uuid[])
      and mirrored_at is not null`;
  await tx`
    update outbox_messages as message
    set status = taken.status, last_error = taken."lastError", taken_at = now(),
        mirrored_at = clock_timestamp(), updated_at = now(),
        next_attempt_at = case when taken.status = 'queued' then now() end,
        sent_at = case when taken.status = 'sent' then now() end
    from jsonb_to_recordset(${JSON.stringify(taken)}::text::jsonb)
      as taken (id uuid, status text, "lastError" text)
    where message.id = taken.id and message.status = 'queued' and message.taken_at is null`;
}

const FIRST_PUT_OFF_MS = 60_000;
const LONGEST_PUT_OFF_MS = 15 * 60_000;

/**
 * A fault of ours with one row: later, so that it stands in nobody's way. Twice as late as the last time,
 * which the row itself tells.
 */
export async function putOff(
  sql: Queryable,
  { id, lastError }: { readonly id: string; readonly lastError: string },
): Promise<void> {
  await sql`
    update outbox_messages
    set last_error = ${lastError}, updated_at = now(),
        next_attempt_at = now() + least(
          greatest(
            ${FIRST_PUT_OFF_MS} * interval '1 millisecond',
            case when last_error like 'internal_error:%'
                and isfinite(next_attempt_at) and isfinite(updated_at) then 2 * (next_attempt_at - updated_at) end
          ),
          ${LONGEST_PUT_OFF_MS} * interval '1 millisecond'
        )
    where id = ${id} and status = 'queued' and taken_at is null`;
}

export interface EarlierDelivery {
  readonly id: string;
  readonly outboxMessageId: string;
  readonly endpointId: string | null;
  readonly status: string;
}

/** What was made for these rows when they were taken before, in that order. */
export async function listDeliveriesOf(
  tx: Queryable,
  messageIds: readonly string[],
): Promise<EarlierDelivery[]> {
  return tx<EarlierDelivery[]>`
    select id, outbox_message_id as "outboxMessageId", endpoint_id as "endpointId", status
    from unnest(${uuidArray(messageIds)}::text::uuid[]) as asked (message_id),
    lateral (
      select id, outbox_message_id, endpoint_id, status from webhook_deliveries
      where outbox_message_id = asked.message_id
    ) as made
    order by id`;
}
