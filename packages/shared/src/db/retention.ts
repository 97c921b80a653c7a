/**
 * Removes what is finished and old, in steps of one short statement each: finished deliveries with
 * their attempts, events that have no delivery left, finished replays. Rows of the outbox:
 * outbox-retention.ts.
 *
 * A step looks at a bounded number of rows from where the one before ended, so that old rows that stay
 * cost each pass once. It locks only finished rows, passes over those that somebody else has locked,
 * and nothing waits for it but a manual retry of such a row. Killed halfway it has removed whole steps;
 * the next pass starts from the beginning.
 */
import { NIL_UUID, type Queryable, type Sql } from "./client.ts";
import { catchUpWithStats } from "./stat-rollup.ts";
import { isInScope, type StatScope } from "./stat-scope.ts";

export const ROWS_A_STEP = 2_000;

/** For as long a repeated Idempotency-Key must find its delivery. */
const IDEMPOTENCY_KEPT_MS = 86_400_000;

export interface Removal {
  /** Since acceptance and since the last change. */
  readonly olderThanMs: number;
  readonly scope?: StatScope;
  /** Of those that say so, one at a time removes; the others find nothing to do. */
  readonly takesTurns?: boolean;
}

/** Where a pass goes on. */
interface Step {
  readonly afterId: string;
  readonly limit: number;
}

interface Progress {
  readonly removed: number;
  /** Null: there is nothing left to look at. */
  readonly lastId: string | null;
}

// Any constant of ours.
const RETENTION_LOCK = 7_268_455_190_116;

/** Finished deliveries, those with the same outcome oldest first: how many each step removed. */
export async function* removeDeliveries(
  sql: Sql,
  removal: Removal,
  limit = ROWS_A_STEP,
): AsyncGenerator<number, void> {
  for (const status of ["success", "failed", "cancelled"] as const) {
    yield* pass(limit, async (step) => {
      const progress = await removeDeliveriesOnce(sql, { ...removal, ...step, status });
      // Removing is faster than folding what it notes.
      if (progress.removed > 0) await catchUpWithStats(sql);
      return progress;
    });
  }
}

/** Events whose deliveries are all gone or never were, oldest first: how many each step removed. */
export async function* removeEvents(
  sql: Queryable,
  removal: Removal,
  limit = ROWS_A_STEP,
): AsyncGenerator<number, void> {
  yield* pass(limit, (step) => removeEventsOnce(sql, { ...removal, ...step }));
}

async function* pass(
  limit: number,
  once: (step: Step) => Promise<Progress>,
): AsyncGenerator<number, void> {
  let afterId: string | null = NIL_UUID;
  while (afterId !== null) {
    const progress: Progress = await once({ afterId, limit });
    yield progress.removed;
    afterId = progress.lastId;
  }
}

async function removeDeliveriesOnce(
  sql: Queryable,
  {
    status,
    scope = {},
    afterId,
    limit,
    ...removal
  }: Removal & Step & { readonly status: "success" | "failed" | "cancelled" },
): Promise<Progress> {
  const [row] = await sql<Progress[]>`
    with looked as materialized (
      select id, created_at from webhook_deliveries
      where ${isOurTurn(sql, removal)} and status = ${status} and ${isInScope(sql, scope)}
        and id > ${afterId}
      order by id limit ${limit}
    ), doomed as materialized (
      select id from webhook_deliveries
      where id = any (array(select id from looked)) and status = ${status}
        and updated_at <= ${cutoff(sql, removal)} and created_at <= ${cutoff(sql, removal)}
        and (idempotency_key is null
             or created_at <= now() - ${IDEMPOTENCY_KEPT_MS} * interval '1 millisecond')
        -- A row of the outbox is still to say how all of its deliveries ended.
        and (outbox_message_id is null or not exists (
          select from outbox_messages as message
          where message.id = outbox_message_id and message.status = 'queued'))
      for update skip locked
    ), attempts as (
      -- Not left to the cascade, which goes through them delivery by delivery.
      delete from webhook_delivery_logs where delivery_id = any (array(select id from doomed))
    ), removed as (
      delete from webhook_deliveries where id = any (array(select id from doomed)) returning id
    )
    select (select count(*) from removed)::int as removed, ${whereNext(sql, removal, limit)}`;
  return progressOf(row);
}

async function removeEventsOnce(
  sql: Queryable,
  { afterId, limit, ...removal }: Removal & Step,
): Promise<Progress> {
  const [row] = await sql<Progress[]>`
    with looked as materialized (
      select id, created_at from webhook_events
      where ${isOurTurn(sql, removal)} and id > ${afterId}
      order by id limit ${limit}
    ), doomed as materialized (
      select id from webhook_events as event
      where id = any (array(select id from looked)) and published_at is not null
        and created_at <= ${cutoff(sql, removal)}
        and not exists (
          select from webhook_deliveries as delivery
          where delivery.event_id = event.event_id
            and delivery.client_id is not distinct from event.client_id)
      for update skip locked
    ), removed as (
      delete from webhook_events where id = any (array(select id from doomed)) returning id
    )
    select (select count(*) from removed)::int as removed, ${whereNext(sql, removal, limit)}`;
  return progressOf(row);
}

/** There are few: all at once. */
export async function removeReplays(sql: Queryable, removal: Removal): Promise<number> {
  const removed = await sql`
    delete from replays
    where ${isOurTurn(sql, removal)} and state <> 'running'
      and finished_at <= ${cutoff(sql, removal)}`;
  return removed.count;
}

/** Ids are in the order of acceptance: behind a row that is too young come younger ones. */
function whereNext(sql: Queryable, removal: Removal, limit: number) {
  return sql`
    (select id from looked
     where (select count(*) from looked) = ${limit}::int
       and (select max(created_at) from looked) <= ${cutoff(sql, removal)}
     order by id desc limit 1) as "lastId"`;
}

export function cutoff(sql: Queryable, { olderThanMs }: Removal) {
  return sql`now() - ${olderThanMs} * interval '1 millisecond'`;
}

/** In a subselect it is asked once for the statement, and holds until its transaction ends. */
export function isOurTurn(sql: Queryable, { takesTurns = false }: Removal) {
  return takesTurns ? sql`(select pg_try_advisory_xact_lock(${RETENTION_LOCK}))` : sql`true`;
}

function progressOf(row: Progress | undefined): Progress {
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}
