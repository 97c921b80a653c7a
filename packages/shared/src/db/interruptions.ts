/**
 * What was in flight in a worker that is gone. Touches only unfinished rows, by partial index. Safe to run
 * in every worker at once: a row is moved by one of them.
 */
import { uuidArray, type Queryable } from "./client.ts";
import { released } from "./transitions.ts";

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
          ${released(sql)}
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
