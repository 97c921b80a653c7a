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

export interface Wanted {
  readonly limit: number;
  /** Only this row. */
  readonly onlyId?: string | undefined;
  /** This row and those that stand before it. */
  readonly upToId?: string | undefined;
}

/** Any constant of ours. */
const OUTBOX_LOCK = 7_268_455_190_117;
const LOCK_TIMEOUT_MS = 3_000;
/** A process that freezes with the lock in its hands is cut off by PostgreSQL. */
const IDLE_TIMEOUT_MS = 5_000;

/**
 * One takes at a time, or rows would overtake each other. Until the transaction ends. Nothing here is
 * bound to a session: it holds through a transaction-mode pooler too.
 */
export async function holdOutbox(tx: Queryable): Promise<void> {
  await tx`
    select set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, true),
      set_config('idle_in_transaction_session_timeout', ${String(IDLE_TIMEOUT_MS)}, true)`;
  await tx`select pg_advisory_xact_lock(${OUTBOX_LOCK})`;
}

/** Rows that are due, locked, in the order of insertion; those that somebody has locked are left out. */
export async function lockWaiting(tx: Queryable, wanted: Wanted): Promise<WaitingMessage[]> {
  const { limit, onlyId, upToId } = wanted;
  const among =
    onlyId === undefined
      ? tx`id = any (array(${dueIds(tx, { limit, upToId })}))`
      : tx`id = ${onlyId} and (next_attempt_at is null or next_attempt_at <= now())`;
  return tx<WaitingMessage[]>`
    select id, client_id as "clientId", endpoint_id as "endpointId", event_type as "eventType",
      nullif(source, '') as source, nullif(event_id, '') as "eventId", to_phone as "toPhone",
      (case when to_phone is null then payload
        else case when jsonb_typeof(payload) = 'object' then payload
               else jsonb_build_object('payload', payload) end
          || jsonb_build_object('to', to_phone, 'type', coalesce(message_type, 'text'))
        end)::text as "dataText",
      created_at as "createdAt", mirrored_at is not null as "isAskedAgain"
    from outbox_messages
    where ${among} and status = 'queued' and taken_at is null
    order by position limit ${limit} for update skip locked`;
}

/** Ids of rows that are due, about in their order. */
export async function listDueIds(
  sql: Queryable,
  wanted: Omit<Wanted, "onlyId">,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from outbox_messages where id = any (array(${dueIds(sql, wanted)}))
    order by position limit ${wanted.limit}`;
  return rows.map(({ id }) => id);
}

/** Each half by an index of its own: what is scheduled for later costs those that wait nothing. */
function dueIds(sql: Queryable, { limit, upToId }: Omit<Wanted, "onlyId">) {
  const before =
    upToId === undefined
      ? sql``
      : sql`and position <= (select position from outbox_messages where id = ${upToId})`;
  return sql`
    (select id from outbox_messages
     where status = 'queued' and taken_at is null
       and (next_attempt_at is null or next_attempt_at <= created_at)
       and (next_attempt_at is null or next_attempt_at <= now()) ${before}
     order by position limit ${limit})
    union all
    (select id from outbox_messages
     where status = 'queued' and taken_at is null and next_attempt_at > created_at
       and next_attempt_at <= now() ${before}
     order by next_attempt_at, position limit ${limit})`;
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
      and next_attempt_at > now() - interval '1 second'`;
  return row?.inMs ?? undefined;
}

export interface TakenMessage {
  readonly id: string;
  readonly status: OutboxStatus;
  readonly lastError: string | null;
}

export async function recordTaken(tx: Queryable, taken: readonly TakenMessage[]): Promise<void> {
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

/** A fault of ours with one row: later, so that it stands in nobody's way. */
export async function putOff(
  sql: Queryable,
  { id, lastError, waitMs }: { readonly id: string; lastError: string; waitMs: number },
): Promise<void> {
  await sql`
    update outbox_messages
    set last_error = ${lastError}, updated_at = now(),
        next_attempt_at = now() + ${waitMs} * interval '1 millisecond'
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
