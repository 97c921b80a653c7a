/** How much stands in the outbox, and how some of its rows stand. */
import { uuidArray, type Queryable } from "./client.ts";

/** Counting ends there. */
export const MOST_COUNTED = 10_000;

export interface OutboxCounts {
  readonly due: number;
  readonly scheduled: number;
}

/** Rows that were not taken yet, each up to `MOST_COUNTED`. */
export async function countWaiting(sql: Queryable): Promise<OutboxCounts> {
  const [row] = await sql<OutboxCounts[]>`
    select
      least(${MOST_COUNTED}, ${count(
        sql,
        sql`(next_attempt_at is null or next_attempt_at <= created_at)
        and (next_attempt_at is null or next_attempt_at <= now())`,
      )}
        + ${count(sql, sql`next_attempt_at > created_at and next_attempt_at <= now()`)})::int as due,
      ${count(sql, sql`next_attempt_at > created_at and next_attempt_at > now()`)}::int as scheduled`;
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}

function count(sql: Queryable, which: ReturnType<Queryable>) {
  return sql`(select count(*) from (
    select from outbox_messages where status = 'queued' and taken_at is null and ${which}
    limit ${MOST_COUNTED}) as counted)`;
}

export interface OutboxStanding {
  readonly sent: number;
  readonly failed: number;
  /** Nothing came of them yet, not even a first attempt. */
  readonly untried: number;
}

export async function countStanding(
  sql: Queryable,
  ids: readonly string[],
): Promise<OutboxStanding> {
  const [row] = await sql<OutboxStanding[]>`
    select (count(*) filter (where status = 'sent'))::int as sent,
      (count(*) filter (where status = 'failed'))::int as failed,
      (count(*) filter (where status = 'queued' and attempts = 0))::int as untried
    from unnest(${uuidArray(ids)}::text::uuid[]) as asked (id) join outbox_messages using (id)`;
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}
