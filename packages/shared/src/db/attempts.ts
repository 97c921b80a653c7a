/**
 * The life of an attempt in the database: claim the delivery, record what came of it. Several at once in
 * one statement; each stands for itself.
 *
 * A claim has an id of its own; only the result that carries it moves the delivery on. A worker that
 * comes back late finds its claim gone: its result is still logged, as an extra attempt, and changes
 * nothing else. The log row and the delivery's new state are one statement: both or neither.
 */
import type { ErrorType } from "../core/delivery.ts";
import { uuidArray, type Queryable, type Sql } from "./client.ts";

export interface Claim {
  readonly deliveryId: string;
  readonly workerId: string;
  /** Made anew for every claim. */
  readonly claimId: string;
}

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

/**
 * In the order asked. Undefined: it is not pending, or not due yet; somebody else has it or it was
 * cancelled. Of two claims for one delivery at most one is granted.
 */
export async function claimDeliveries(
  sql: Queryable,
  claims: readonly Claim[],
): Promise<(ClaimedDelivery | undefined)[]> {
  const rows = await sql<ClaimedDelivery[]>`
    update webhook_deliveries as delivery
    set status = 'sent', attempt = attempt + 1, sent_at = now(), next_retry_at = null,
        queued_until = null, worker_id = wanted.worker_id, claim_id = wanted.claim_id,
        updated_at = now()
    from unnest(
      ${uuidArray(claims.map(({ deliveryId }) => deliveryId))}::text::uuid[],
      ${uuidArray(claims.map(({ workerId }) => workerId))}::text::uuid[],
      ${uuidArray(claims.map(({ claimId }) => claimId))}::text::uuid[]
    ) as wanted (delivery_id, worker_id, claim_id)
    where id = wanted.delivery_id and status = 'pending'
      and next_retry_at <= now() + ${EARLY_MS} * interval '1 millisecond'
    returning id, delivery.claim_id as "claimId", event_type as "eventType",
      webhook_url as "webhookUrl", body, secret_encrypted as "secretEncrypted", attempt,
      max_attempts as "maxAttempts", attempts_before_round as "attemptsBeforeRound",
      internal_faults as "internalFaults"`;
  const granted = new Map(rows.map((row) => [row.claimId, row]));
  return claims.map(({ claimId }) => granted.get(claimId));
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
 * In the order given: false when the claim was no longer valid (logged as an extra attempt, the delivery
 * untouched). Said once more, because the first answer was lost, a record changes nothing and is true.
 */
export async function recordAttempts(
  sql: Sql,
  records: readonly AttemptRecord[],
  now = new Date(),
): Promise<boolean[]> {
  const rows = await sql<{ claimId: string }[]>`
    with result as (
      select *, now() + wait_ms * interval '1 millisecond' as retry_at
      from jsonb_to_recordset(${JSON.stringify(records.map((record) => toRow(record, now)))}::text::jsonb)
        as result (delivery_id uuid, claim_id uuid, attempt_number int, attempted_at timestamptz,
          duration_ms int, request_headers jsonb, response_status int, response_headers jsonb,
          response_body text, error text, error_type text, next_status text, wait_ms float8,
          spends_attempt boolean, signature text)
    ), moved as (
      update webhook_deliveries as delivery
      set status = next_status,
          attempt = case when spends_attempt then attempt else attempt - 1 end,
          interruptions = case when spends_attempt then 0 else interruptions end,
          internal_faults = case when spends_attempt then 0 else internal_faults + 1 end,
          sent_at = result.attempted_at, next_retry_at = result.retry_at,
          delivered_at = case when next_status = 'success' then now() end,
          response_status = result.response_status, response_body = result.response_body,
          last_error = result.error, error_type = result.error_type,
          signature = coalesce(result.signature, delivery.signature),
          worker_id = null, claim_id = null, updated_at = now()
      from result
      where delivery.id = result.delivery_id and delivery.status = 'sent'
        and delivery.claim_id = result.claim_id
      returning result.claim_id, lead_id, next_status
    ), logged as (
      insert into webhook_delivery_logs
        (delivery_id, claim_id, attempt_number, attempted_at, duration_ms, request_headers,
         response_status, response_headers, response_body, error, error_type, will_retry, retry_at)
      select delivery_id, claim_id, attempt_number, attempted_at, duration_ms, request_headers,
        response_status, response_headers, response_body, error, error_type,
        is_moved and retry_at is not null, case when is_moved then retry_at end
      from result, lateral (
        select exists (select from moved where moved.claim_id = result.claim_id)
      ) as outcome (is_moved)
      -- A delivery that was removed meanwhile has no log.
      where exists (select from webhook_deliveries where id = delivery_id)
      -- Said once more because the answer to the first time was lost with its connection.
      on conflict (delivery_id, claim_id) do nothing
      returning claim_id
    ), told_lead as (
      update leads set status = 'webhook_sent', updated_at = now()
      where id in (select lead_id from moved where next_status = 'success')
        and status is distinct from 'webhook_sent'
    )
    select claim_id as "claimId" from logged except select claim_id from moved`;
  const superseded = new Set(rows.map(({ claimId }) => claimId));
  return records.map(({ claimId }) => !superseded.has(claimId));
}

function toRow(record: AttemptRecord, now: Date) {
  const { next } = record;
  return {
    delivery_id: record.deliveryId,
    claim_id: record.claimId,
    attempt_number: record.attemptNumber,
    attempted_at: record.attemptedAt,
    duration_ms: record.durationMs,
    request_headers: record.requestHeaders,
    response_status: record.responseStatus,
    response_headers: record.responseHeaders,
    response_body: record.responseBody,
    error: record.error,
    error_type: record.errorType,
    next_status: next.status,
    wait_ms: next.status === "pending" ? next.retryAt.getTime() - now.getTime() : null,
    spends_attempt: record.spendsAttempt,
    signature: record.requestHeaders?.["webhook-signature"] ?? null,
  };
}
