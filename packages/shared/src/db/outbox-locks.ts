/**
 * Which rows of the outbox a take gets: those that are due, locked, in the order of insertion, as many as fit
 * into memory. Nothing here is bound to a session: it holds through a transaction-mode pooler too.
 */
import { uuidArray, type Queryable } from "./client.ts";
import type { WaitingMessage } from "./outbox.ts";

export interface Wanted {
  readonly limit: number;
  /** Of payloads together, so that large ones fit into memory; at least one row is taken. */
  readonly maxBytes: number;
  /** Of one payload; larger ones are told apart and not read. */
  readonly maxPayloadBytes: number;
  /** Only this row. */
  readonly onlyId?: string | undefined;
  /** This row and those that stand before it. */
  readonly upToId?: string | undefined;
}

/** Any constant of ours. */
const OUTBOX_LOCK = 7_268_455_190_117;
const LOCK_TIMEOUT_MS = 3_000;
const IDLE_TIMEOUT_MS = 5_000;

/** Until the transaction ends: who freezes in it with locks in its hands is cut off by PostgreSQL. */
export async function boundTransaction(tx: Queryable): Promise<void> {
  await tx`
    select set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, true),
      set_config('idle_in_transaction_session_timeout', ${String(IDLE_TIMEOUT_MS)}, true)`;
}

/**
 * One takes at a time, or rows would overtake each other. Until the transaction ends. False:
 * another one takes, and `waits` was false.
 */
export async function holdOutbox(tx: Queryable, waits: boolean): Promise<boolean> {
  await boundTransaction(tx);
  if (waits) {
    await tx`select pg_advisory_xact_lock(${OUTBOX_LOCK})`;
    return true;
  }
  const [lock] = await tx<{ isOurs: boolean }[]>`
    select pg_try_advisory_xact_lock(${OUTBOX_LOCK}) as "isOurs"`;
  return lock?.isOurs === true;
}

export interface LockedMessages {
  /** In the order of insertion. */
  readonly messages: readonly WaitingMessage[];
  readonly tooLargeIds: readonly string[];
  /** More are due than were wanted. */
  readonly hasMore: boolean;
}

/** Rows that are due, locked, in the order of insertion; those that somebody has locked are left out. */
export async function lockWaiting(tx: Queryable, wanted: Wanted): Promise<LockedMessages> {
  const sized = await lockDue(tx, wanted);
  const chosen = sized.filter(({ bytesBefore }, at) => at === 0 || bytesBefore < wanted.maxBytes);
  const tooLarge = chosen.filter(({ bytes }) => bytes > wanted.maxPayloadBytes);
  const fitting = chosen.filter(({ bytes }) => bytes <= wanted.maxPayloadBytes);
  return {
    messages: fitting.length === 0 ? [] : await readLocked(tx, fitting),
    tooLargeIds: tooLarge.map(({ id }) => id),
    hasMore: sized.length === wanted.limit || chosen.length < sized.length,
  };
}

interface SizedRow {
  readonly id: string;
  /** Of its payload as JSON. */
  readonly bytes: number;
  /** Of all before it, as far as they fit. */
  readonly bytesBefore: number;
}

async function lockDue(tx: Queryable, wanted: Wanted): Promise<SizedRow[]> {
  const { limit, onlyId, upToId, maxPayloadBytes } = wanted;
  const among =
    onlyId === undefined
      ? tx`id = any (${dueIds(tx, { limit, upToId }, tx`for update skip locked`)})`
      : tx`id = ${onlyId} and (next_attempt_at is null or next_attempt_at <= now())`;
  const rows = await tx<{ id: string; bytes: number }[]>`
    select id, octet_length(payload::text) as bytes from outbox_messages
    where ${among} and status = 'queued' and taken_at is null
    order by position limit ${limit} for update skip locked`;
  let bytesBefore = 0;
  return rows.map(({ id, bytes }) => {
    const sized = { id, bytes, bytesBefore };
    if (bytes <= maxPayloadBytes) bytesBefore += bytes;
    return sized;
  });
}

async function readLocked(tx: Queryable, rows: readonly SizedRow[]): Promise<WaitingMessage[]> {
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
    where id = any (${uuidArray(rows.map(({ id }) => id))}::text::uuid[])
    order by position`;
}

/** Ids of rows that are due, about in their order. */
export async function listDueIds(
  sql: Queryable,
  wanted: Pick<Wanted, "limit" | "upToId">,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from outbox_messages where id = any (${dueIds(sql, wanted)})
    order by position limit ${wanted.limit}`;
  return rows.map(({ id }) => id);
}

/** Each half by an index of its own: what is scheduled for later costs those that wait nothing. */
function dueIds(
  sql: Queryable,
  { limit, upToId }: Pick<Wanted, "limit" | "upToId">,
  locking = sql``,
) {
  const before =
    upToId === undefined
      ? sql``
      : sql`and position <= (select position from outbox_messages where id = ${upToId})`;
  return sql`
    array(select id from outbox_messages
     where status = 'queued' and taken_at is null
       and (next_attempt_at is null or next_attempt_at <= created_at)
       and (next_attempt_at is null or next_attempt_at <= now()) ${before}
     order by position limit ${limit} ${locking})
    || array(select id from outbox_messages
     where status = 'queued' and taken_at is null and next_attempt_at > created_at
       and next_attempt_at <= now() ${before}
     order by next_attempt_at, position limit ${limit} ${locking})`;
}
