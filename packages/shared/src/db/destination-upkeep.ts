/** Keeps the tables about destinations small and true, in bounded steps. Safe in every worker at once. */
import type { Queryable } from "./client.ts";
import { isNotLeased, waits } from "./waiting.ts";
import { ended } from "./transitions.ts";

/** A destination that nothing was sent to for so long is new the next time. */
const KEPT_MS = 86_400_000;
const ROWS_A_STEP = 5_000;

export async function removeIdleDestinations(sql: Queryable): Promise<number> {
  const removed = await sql`
    delete from destinations where key = any (array(
      select key from destinations
      where updated_at <= now() - ${KEPT_MS} * interval '1 millisecond'
        and state = 'closed' and coalesce(paused_until <= now(), true)
      order by updated_at limit ${ROWS_A_STEP} for update skip locked))`;
  return removed.count;
}

/** Endpoints' own paces that ran out long ago: the next start makes them anew. */
export async function removeIdlePaces(sql: Queryable): Promise<number> {
  const removed = await sql`
    delete from delivery_pace
    where name <> 'deliveries' and next_start_at <= now() - ${KEPT_MS} * interval '1 millisecond'`;
  return removed.count;
}

/** Circuits for which nothing waits any more: their keys. */
export async function closeForgottenCircuits(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    update destinations as destination
    set state = 'closed', state_since = now(), probe_at = null, failed_probes = 0,
      rate_per_second = null, cautious_above = null, updated_at = now(),
      reason = case when failures_in_a_row > 0 then reason end
    where state <> 'closed' and not exists (
      select from webhook_deliveries as delivery
      where delivery.destination = destination.key and delivery.status in ('pending', 'sent'))
    returning key`;
  return rows.map(({ key }) => key);
}

export const GIVEN_UP = "Given up: the destination did not answer well for five days.";

/**
 * What waits for a URL that has been given up fails, some at a time, as an endpoint's deliveries do when
 * it is disabled; how many.
 */
export async function failHeldBack(sql: Queryable, afterMs: number): Promise<number> {
  const failed = await sql`
    update webhook_deliveries
    set ${ended(sql, "failed")}, last_error = ${GIVEN_UP},
      error_type = coalesce(error_type, 'network')
    where status = 'pending' and id = any (array(
      select delivery.id
      from destinations as destination, lateral (
        select id from webhook_deliveries
        where ${waits(sql)} and destination = destination.key and ${isNotLeased(sql)}
        limit ${ROWS_A_STEP} for update skip locked
      ) as delivery
      where state = 'open' and endpoint_id is null
        and state_since <= now() - ${afterMs} * interval '1 millisecond'
      limit ${ROWS_A_STEP}))`;
  return failed.count;
}
