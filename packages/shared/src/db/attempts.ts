/**
 * The life of one attempt in the database: claim the delivery, record what came of it.
 *
 * A claim has an id of its own; only the result that carries it moves the delivery on. A worker that
 * comes back late finds its claim gone: its result is still logged, as an extra attempt, and changes
 * nothing else. The log row and the delivery's new state are one statement: both or neither.
 */
import type { ErrorType } from "../core/delivery.ts";
import type { Queryable, Sql } from "./client.ts";

export interface ClaimedDelivery {
  readonly id: string;
  readonly claimId: string;
  readonly eventType: string;
  readonly webhookUrl: string;
  readonly body: string;
  readonly secretEncrypted: Buffer | null;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly attemptsBeforeRound: number;
  readonly internalFaults: number;
}

/** A job may come this much before its row is due: clocks and timers are not exact. */
const EARLY_MS = 50;

/** Undefined: it is not pending, or not due yet; somebody else has it or it was cancelled. */
export async function claimDelivery(
  sql: Queryable,
  claim: { readonly deliveryId: string; readonly workerId: string; readonly claimId: string },
): Promise<ClaimedDelivery | undefined> {
  const [row] = await sql<ClaimedDelivery[]>`
    update webhook_deliveries
    set status = 'sent', attempt = attempt + 1, sent_at = now(), next_retry_at = null,
        queued_until = null, worker_id = ${claim.workerId}, claim_id = ${claim.claimId},
        updated_at = now()
    where id = ${claim.deliveryId} and status = 'pending'
      and next_retry_at <= now() + ${EARLY_MS} * interval '1 millisecond'
    returning id, claim_id as "claimId", event_type as "eventType", webhook_url as "webhookUrl",
      body, secret_encrypted as "secretEncrypted", attempt, max_attempts as "maxAttempts",
      attempts_before_round as "attemptsBeforeRound", internal_faults as "internalFaults"`;
  return row;
}

export interface AttemptRecord {
  readonly deliveryId: string;
  readonly claimId: string;
  readonly attemptNumber: number;
  readonly attemptedAt: Date;
  readonly durationMs: number;
  readonly requestHeaders: Record<string, string> | null;
  readonly responseStatus: number | null;
  readonly responseHeaders: Record<string, string> | null;
  readonly responseBody: string | null;
  readonly error: string | null;
  readonly errorType: ErrorType | null;
  readonly next:
    | { readonly status: "success" | "failed" }
    | { readonly status: "pending"; readonly retryAt: Date };
  /** False after a fault of ours: the attempt is given back. */
  readonly spendsAttempt: boolean;
}

/**
 * `now`: the clock that `retryAt` was decided on; the row gets the same wait on the database's clock,
 * so that it does not matter how far the two are apart.
 * False when the claim was no longer valid: logged as an extra attempt, the delivery untouched. Said
 * once more (the first answer was lost) it changes nothing and returns true.
 */
export async function recordAttempt(
  sql: Sql,
  record: AttemptRecord,
  now = new Date(),
): Promise<boolean> {
  const { status } = record.next;
  const waitMs =
    record.next.status === "pending" ? record.next.retryAt.getTime() - now.getTime() : null;
  const retryAt = sql`now() + ${waitMs}::float8 * interval '1 millisecond'`;
  const [row] = await sql<{ settled: boolean }[]>`
    with moved as (
      update webhook_deliveries
      set status = ${status},
          attempt = attempt - ${record.spendsAttempt ? 0 : 1},
          interruptions = ${record.spendsAttempt ? sql`0` : sql`interruptions`},
          internal_faults = ${record.spendsAttempt ? sql`0` : sql`internal_faults + 1`},
          sent_at = ${record.attemptedAt}, next_retry_at = ${retryAt},
          delivered_at = case when ${status} = 'success' then now() end,
          response_status = ${record.responseStatus}, response_body = ${record.responseBody},
          last_error = ${record.error}, error_type = ${record.errorType},
          signature = coalesce(${record.requestHeaders?.["webhook-signature"] ?? null}, signature),
          worker_id = null, claim_id = null, updated_at = now()
      where id = ${record.deliveryId} and status = 'sent' and claim_id = ${record.claimId}
      returning lead_id
    ), logged as (
      insert into webhook_delivery_logs
        (delivery_id, claim_id, attempt_number, attempted_at, duration_ms, request_headers, response_status,
         response_headers, response_body, error, error_type, will_retry, retry_at)
      select id, ${record.claimId}, ${record.attemptNumber}, ${record.attemptedAt}, ${record.durationMs},
        ${json(record.requestHeaders)}::text::jsonb, ${record.responseStatus}::int,
        ${json(record.responseHeaders)}::text::jsonb, ${record.responseBody}, ${record.error},
        ${record.errorType}, ${status === "pending"} and exists (select from moved),
        case when exists (select from moved) then ${retryAt} end
      from webhook_deliveries where id = ${record.deliveryId}
      -- Said once more because the answer to the first time was lost with its connection.
      on conflict (delivery_id, claim_id) do nothing
      returning id
    ), told_lead as (
      update leads set status = 'webhook_sent', updated_at = now()
      where ${status} = 'success' and id = (select lead_id from moved)
    )
    select exists (select from moved) or not exists (select from logged) as settled`;
  return row?.settled ?? false;
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
