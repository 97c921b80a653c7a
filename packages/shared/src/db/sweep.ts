/**
 * What the reconciler asks of the rows: which deliveries are due and in no queue, and which were in
 * flight in a worker that is gone. Both touch only unfinished rows, by partial index. Safe to run in
 * every worker at once: a row is leased or moved by one of them.
 */
import { uuidArray, type Queryable } from "./client.ts";

export interface DueDelivery {
  readonly id: string;
  /** 0: due now. */
  readonly delayMs: number;
}

/** Of what a sweep takes, the part for the newest: new deliveries do not wait for an old backlog. */
const SHARE_OF_NEWEST = 0.25;

/**
 * Leases up to `limit` deliveries; until the lease ends they count as queued. Most are those that have
 * been due the longest, some are the ones accepted last.
 */
export async function leaseDueDeliveries(
  sql: Queryable,
  options: { readonly limit: number; readonly horizonMs: number; readonly leaseMs: number },
): Promise<DueDelivery[]> {
  const newestLimit = Math.floor(options.limit * SHARE_OF_NEWEST);
  const isFree = sql`
    not held and next_retry_at <= now() + ${options.horizonMs} * interval '1 millisecond'
    and (queued_until is null or queued_until <= now())`;
  return sql<DueDelivery[]>`
    with newest as (
      select id from webhook_deliveries
      where status = 'pending' and attempt = 0 and ${isFree}
      order by id desc
      limit ${newestLimit}
      for update skip locked
    ), longest_due as (
      select id from webhook_deliveries
      where status = 'pending' and ${isFree} and id not in (select id from newest)
      order by next_retry_at, id
      limit ${options.limit} - (select count(*) from newest)
      for update skip locked
    ), due as (
      select id from newest union all select id from longest_due
    )
    update webhook_deliveries as delivery
    set queued_until = greatest(now(), next_retry_at) + ${options.leaseMs} * interval '1 millisecond'
    -- As an array, or the planner takes the limits for thousands of rows and reads the whole table.
    where id = any (array(select id from due))
    returning delivery.id,
      greatest(0, extract(epoch from delivery.next_retry_at - now()) * 1000)::float8 as "delayMs"`;
}

/** Gives leases back whose jobs could not be queued. */
export async function returnLeases(sql: Queryable, ids: readonly string[]): Promise<void> {
  await sql`
    update webhook_deliveries set queued_until = null
    where id = any(${uuidArray(ids)}::text::uuid[]) and status = 'pending'`;
}

export interface CutOff {
  readonly workerIds: readonly string[];
  /** Claims of those workers that are known to be alive. */
  readonly exceptClaimIds: readonly string[];
  /** A time as PostgreSQL spells it, or `infinity`. */
  readonly claimedBefore: string;
  readonly maxInterruptions: number;
}

/**
 * Ends the attempts of workers that are gone as `interrupted` and lets the deliveries run again at
 * once, or fails those that were interrupted too often in a row. The receiver's attempts are not
 * spent. Ids of the deliveries that moved.
 */
export async function recoverInterrupted(sql: Queryable, cutOff: CutOff): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    with cut_off as (
      select id, attempt, sent_at, interruptions + 1 >= ${cutOff.maxInterruptions} as gives_up
      from webhook_deliveries
      where status = 'sent' and worker_id = any(${uuidArray(cutOff.workerIds)}::text::uuid[])
        and sent_at <= ${cutOff.claimedBefore}::text::timestamptz
        and claim_id <> all(${uuidArray(cutOff.exceptClaimIds)}::text::uuid[])
      for update skip locked
    ), moved as (
      update webhook_deliveries as delivery
      set status = case when gives_up then 'failed' else 'pending' end,
          next_retry_at = case when gives_up then null else now() end,
          attempt = greatest(delivery.attempt - 1, attempts_before_round),
          interruptions = interruptions + 1, error_type = 'interrupted',
          last_error = case when gives_up
            then 'Given up: the worker died during ' || (interruptions + 1) || ' attempts in a row.'
            else 'The worker died during the attempt.' end,
          worker_id = null, claim_id = null, updated_at = now()
      from cut_off where delivery.id = cut_off.id
      returning delivery.id, client_id, endpoint_id, cut_off.attempt, cut_off.sent_at, gives_up
    )
    insert into webhook_delivery_logs
      (delivery_id, client_id, endpoint_id, attempt_number, attempted_at, duration_ms, error,
       error_type, will_retry, retry_at)
    select id, client_id, endpoint_id, attempt, sent_at,
      least(greatest(0, extract(epoch from now() - sent_at) * 1000), 2147483647)::int,
      'The worker died during the attempt; whether the receiver got it is not known.',
      'interrupted', not gives_up, case when gives_up then null else now() end
    from moved
    returning delivery_id as id`;
  return rows.map(({ id }) => id);
}
