/**
 * Records what came of attempts, several in one statement; each stands for itself.
 *
 * Only the result that carries a delivery's claim (claims.ts) moves it on. A worker that comes back late
 * finds its claim gone: its result is still logged, as an extra attempt, and changes nothing else. The
 * log row, the delivery's new state and the endpoint's health are one statement: all or none.
 */
import type { ErrorType } from "../core/delivery.ts";
import type { EndpointHealth } from "../core/endpoint-health.ts";
import { createBatcher } from "../batcher.ts";
import { isDatabaseAway, type Queryable, type Sql } from "./client.ts";
import { released } from "./transitions.ts";

interface CallFields {
  readonly attemptedAt: Date;
  readonly durationMs: number;
  /** Null: the delivery's own. */
  readonly requestUrl: string | null;
  readonly requestHeaders: Record<string, string> | null;
  readonly responseStatus: number | null;
  readonly responseHeaders: Record<string, string> | null;
  readonly responseBody: string | null;
}

/** A call of an attempt that was a success, so that another one followed. */
export interface CallRecord extends CallFields {
  /** Made once, however often the record is said. */
  readonly callId: string;
}

export interface AttemptRecord extends CallFields {
  readonly deliveryId: string;
  readonly claimId: string;
  readonly attemptNumber: number;
  readonly earlierCalls: readonly CallRecord[];
  readonly error: string | null;
  readonly errorType: ErrorType | null;
  readonly next:
    | { readonly status: "success" | "failed" }
    | { readonly status: "pending"; readonly retryAt: Date };
  /**
   * Whose attempt it was: the receiver's; ours, after a fault of this service; nobody's, when a probe
   * found the destination still ill. The latter two are given back to the delivery.
   */
  readonly chargedTo: "receiver" | "us" | "nobody";
}

/** What came of recording an attempt. */
export interface Recorded {
  /** False: the claim was no longer valid. The attempt is logged as an extra one, nothing else moved. */
  readonly isSettled: boolean;
  /** Of the endpoint it went to, after all that was recorded with it. Undefined: there is none now. */
  readonly health: EndpointHealth | undefined;
}

export interface AttemptRecorder {
  /** `recordAttempts` of one, which shares its statement with others that come with it. */
  record(record: AttemptRecord): Promise<Recorded>;
}

/** Two at once: one is on its way while the other is worked on. */
const TOGETHER = { maxItems: 100, maxBatches: 2, concernsAll: isDatabaseAway } as const;

export function createAttemptRecorder(sql: Sql): AttemptRecorder {
  const run = (records: readonly AttemptRecord[]) => recordAttempts(sql, records);
  return { record: createBatcher({ ...TOGETHER, run }) };
}

/**
 * `now`: the clock that `retryAt` was decided on; the row gets the same wait on the database's clock,
 * so that it does not matter how far the two are apart.
 * In the order given. Said once more, because the first answer was lost, a record changes nothing.
 */
export async function recordAttempts(
  sql: Sql,
  records: readonly AttemptRecord[],
  now = new Date(),
): Promise<Recorded[]> {
  const rows = await sql<
    (EndpointHealth & { claimId: string; isSettled: boolean; hasHealth: boolean })[]
  >`
    with result as (
      select result.*, now() + wait_ms * interval '1 millisecond' as retry_at
      from rows from (jsonb_to_recordset(
        ${JSON.stringify(records.map((record) => toRow(record, now)))}::text::jsonb
      ) as (delivery_id uuid, claim_id uuid, attempt_number int, attempted_at timestamptz,
        duration_ms int, request_url text, request_headers jsonb, response_status int,
        response_headers jsonb, response_body text, earlier_calls jsonb, error text, error_type text,
        next_status text, wait_ms float8, charged_to text, signature text)) with ordinality
      as result (delivery_id, claim_id, attempt_number, attempted_at, duration_ms, request_url,
        request_headers, response_status, response_headers, response_body, earlier_calls, error,
        error_type, next_status, wait_ms, charged_to, signature, ordinal)
    ), moved as (
      update webhook_deliveries as delivery
      set status = next_status,
          attempt = case charged_to when 'receiver' then attempt else attempt - 1 end,
          interruptions = case charged_to when 'us' then interruptions else 0 end,
          internal_faults = case charged_to when 'us' then internal_faults + 1 else 0 end,
          sent_at = result.attempted_at, next_retry_at = result.retry_at,
          delivered_at = case when next_status = 'success' then now() end,
          response_status = result.response_status, response_body = result.response_body,
          last_error = result.error, error_type = result.error_type,
          signature = coalesce(result.signature, delivery.signature),
          ${released(sql)}
      from result
      where delivery.id = result.delivery_id and delivery.status = 'sent'
        and delivery.claim_id = result.claim_id
      returning result.claim_id, lead_id, delivery.client_id, next_status
    ), logged as (
      insert into webhook_delivery_logs
        (delivery_id, client_id, endpoint_id, claim_id, attempt_number, attempted_at, duration_ms,
         request_url, request_headers, response_status, response_headers, response_body, error,
         error_type, will_retry, retry_at)
      select delivery_id, delivery.client_id, delivery.endpoint_id, result.claim_id, attempt_number,
        result.attempted_at, duration_ms, request_url, request_headers, result.response_status,
        response_headers, result.response_body, error, result.error_type,
        is_moved and retry_at is not null, case when is_moved then retry_at end
      -- A delivery that was removed meanwhile has no log.
      from result join webhook_deliveries as delivery on delivery.id = delivery_id, lateral (
        select exists (select from moved where moved.claim_id = result.claim_id)
      ) as outcome (is_moved)
      -- Said once more because the answer to the first time was lost with its connection.
      on conflict (delivery_id, claim_id) do nothing
      returning claim_id, endpoint_id
    ), logged_calls as (
      insert into webhook_delivery_logs
        (delivery_id, client_id, endpoint_id, claim_id, attempt_number, attempted_at, duration_ms,
         request_url, request_headers, response_status, response_headers, response_body, will_retry)
      select delivery_id, delivery.client_id, delivery.endpoint_id, call.call_id, attempt_number,
        call.attempted_at, call.duration_ms, call.request_url, call.request_headers,
        call.response_status, call.response_headers, call.response_body, false
      from result join webhook_deliveries as delivery on delivery.id = delivery_id,
        jsonb_to_recordset(earlier_calls) as call (call_id uuid, attempted_at timestamptz,
          duration_ms int, request_url text, request_headers jsonb, response_status int,
          response_headers jsonb, response_body text)
      on conflict (delivery_id, claim_id) do nothing
    ), told_lead as (
      update leads set status = 'webhook_sent', updated_at = now()
      from (select distinct lead_id, client_id from moved where next_status = 'success') as reached
      where leads.id = lead_id and leads.client_id is not distinct from reached.client_id
        and leads.status is distinct from 'webhook_sent'
    ), ${healthOfEndpoints(sql)}
    select result.claim_id as "claimId",
      moved.claim_id is not null or logged.claim_id is null as "isSettled",
      health.endpoint_id is not null as "hasHealth",
      health.failure_count as "failureCount", health.failing_since as "failingSince",
      health.awaits_recovery as "awaitsRecovery"
    from result
    left join moved on moved.claim_id = result.claim_id
    left join logged on logged.claim_id = result.claim_id
    left join health on health.endpoint_id = logged.endpoint_id`;
  const told = new Map(rows.map((row) => [row.claimId, row]));
  return records.map(({ claimId }) => {
    const row = told.get(claimId);
    return { isSettled: row?.isSettled ?? true, health: row?.hasHealth === true ? row : undefined };
  });
}

/**
 * Faults of ours say nothing about an endpoint. Its other attempts, in the order in which they were
 * recorded: the failures after the last success count on, and a success starts anew. Locked by id, or
 * two workers could wait for each other.
 */
function healthOfEndpoints(sql: Queryable) {
  return sql`
    attempted as (
      select logged.endpoint_id, ordinal, attempted_at, error,
        max(ordinal) filter (where error_type is null)
          over (partition by logged.endpoint_id) as last_success
      from logged join result using (claim_id)
      where logged.endpoint_id is not null
        and (error_type is null or error_type in ('http', 'network', 'timeout', 'blocked'))
    ), seen as (
      select endpoint_id, bool_or(last_success is not null) as has_success,
        count(*) filter (where ordinal > coalesce(last_success, 0)) as failures,
        min(attempted_at) filter (where ordinal > coalesce(last_success, 0)) as failing_since,
        (array_agg(error order by ordinal desc) filter (where error is not null))[1] as last_error,
        max(attempted_at) as last_attempt_at,
        max(attempted_at) filter (where ordinal = last_success) as last_success_at
      from attempted group by endpoint_id
    ), locked as materialized (
      select health.endpoint_id from webhook_endpoint_health as health
      where health.endpoint_id = any (array(select endpoint_id from seen))
      order by health.endpoint_id for update
    ), health as (
      update webhook_endpoint_health as health
      set failure_count = case when has_success then 0 else failure_count end + failures,
          failing_since = case when has_success or health.failing_since is null
            then seen.failing_since else health.failing_since end,
          last_error = coalesce(seen.last_error, health.last_error),
          last_attempt_at = greatest(health.last_attempt_at, seen.last_attempt_at),
          last_success_at = greatest(health.last_success_at, seen.last_success_at)
      from locked join seen using (endpoint_id)
      where health.endpoint_id = locked.endpoint_id
      returning health.endpoint_id, failure_count, health.failing_since, (
        select awaits_recovery from webhook_endpoints where id = health.endpoint_id
      ) as awaits_recovery
    )`;
}

function toRow(record: AttemptRecord, now: Date) {
  const { next } = record;
  return {
    delivery_id: record.deliveryId,
    claim_id: record.claimId,
    attempt_number: record.attemptNumber,
    ...callColumns(record),
    earlier_calls: record.earlierCalls.map((call) => ({
      call_id: call.callId,
      ...callColumns(call),
    })),
    error: record.error,
    error_type: record.errorType,
    next_status: next.status,
    wait_ms: next.status === "pending" ? next.retryAt.getTime() - now.getTime() : null,
    charged_to: record.chargedTo,
    signature: record.requestHeaders?.["webhook-signature"] ?? null,
  };
}

function callColumns(call: CallFields) {
  return {
    attempted_at: call.attemptedAt,
    duration_ms: call.durationMs,
    request_url: call.requestUrl,
    request_headers: call.requestHeaders,
    response_status: call.responseStatus,
    response_headers: call.responseHeaders,
    response_body: call.responseBody,
  };
}
