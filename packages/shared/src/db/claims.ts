/**
 * Claims: how one of any number of jobs and workers gets to make an attempt. A guarded UPDATE with an id
 * of its own, which the result must carry to count (attempts.ts). Several at once in one statement.
 */
import { uuidArray, type Queryable } from "./client.ts";
import { ENDPOINT_DELETED, ENDPOINT_DISABLED } from "./deliveries.ts";

export interface Claim {
  readonly deliveryId: string;
  readonly workerId: string;
  /** Made anew for every claim. */
  readonly claimId: string;
}

export interface ClaimedDelivery {
  readonly outcome: "claimed";
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
  /** Null: it went to a URL of its own. */
  readonly endpoint: ClaimedEndpoint | null;
}

/** An endpoint as it is when the attempt begins; null: what the process is configured with. */
export interface ClaimedEndpoint {
  readonly id: string;
  readonly secretsEncrypted: Buffer;
  readonly headersEncrypted: Buffer | null;
  readonly timeoutMs: number | null;
  readonly scheduleMs: readonly number[] | null;
  /** Others wait in line behind this delivery. */
  readonly isInLine: boolean;
}

/** It was due and will not be tried: its endpoint is disabled (failed) or deleted (cancelled). */
export interface EndedDelivery {
  readonly outcome: "failed" | "cancelled";
  readonly id: string;
  readonly claimId: string;
  readonly endpointId: string;
  readonly isInLine: boolean;
}

/** A job may come this much before its row is due: clocks and timers are not exact. */
const EARLY_MS = 50;

interface ClaimRow extends Omit<ClaimedDelivery, "outcome" | "endpoint"> {
  readonly status: "sent" | "failed" | "cancelled";
  readonly endpointId: string | null;
  readonly secretsEncrypted: Buffer | null;
  readonly headersEncrypted: Buffer | null;
  readonly timeoutMs: number | null;
  readonly scheduleMs: readonly number[] | null;
  readonly isInLine: boolean;
}

/**
 * In the order asked. Undefined: it is not pending, held, or not due yet; somebody else has it or it was
 * cancelled. Of two claims for one delivery at most one is granted. What the endpoint says now holds
 * for this attempt: its URL, secrets, headers, timeout and waits.
 */
export async function claimDeliveries(
  sql: Queryable,
  claims: readonly Claim[],
): Promise<(ClaimedDelivery | EndedDelivery | undefined)[]> {
  const rows = await sql<ClaimRow[]>`
    with wanted as (
      select * from unnest(
        ${uuidArray(claims.map(({ deliveryId }) => deliveryId))}::text::uuid[],
        ${uuidArray(claims.map(({ workerId }) => workerId))}::text::uuid[],
        ${uuidArray(claims.map(({ claimId }) => claimId))}::text::uuid[]
      ) as wanted (delivery_id, worker_id, claim_id)
    ), judged as (
      select wanted.*, endpoint.url, endpoint.secrets_encrypted, endpoint.headers_encrypted,
        endpoint.timeout_ms, to_jsonb(endpoint.retry_schedule_ms) as retry_schedule_ms,
        coalesce(endpoint.max_attempts, cardinality(endpoint.retry_schedule_ms) + 1)
          as endpoint_max_attempts,
        case
          when delivery.endpoint_id is null then 'sent'
          when endpoint.id is null then 'cancelled'
          when endpoint.enabled or delivery.is_test_delivery then 'sent'
          else 'failed'
        end as next_status
      from wanted
      join webhook_deliveries as delivery on delivery.id = wanted.delivery_id
      left join webhook_endpoints as endpoint on endpoint.id = delivery.endpoint_id
    )
    update webhook_deliveries as delivery
    set status = next_status, next_retry_at = null, queued_until = null, updated_at = now(),
        attempt = case when next_status = 'sent' then attempt + 1 else attempt end,
        sent_at = case when next_status = 'sent' then now() else sent_at end,
        worker_id = case when next_status = 'sent' then judged.worker_id end,
        claim_id = case when next_status = 'sent' then judged.claim_id end,
        webhook_url = coalesce(judged.url, webhook_url),
        max_attempts = case
          when has_own_max_attempts or endpoint_max_attempts is null then max_attempts
          else greatest(attempt + 1, attempts_before_round + endpoint_max_attempts) end,
        error_type = case when next_status = 'failed' then 'endpoint_disabled'
          when next_status = 'sent' then error_type end,
        last_error = case next_status when 'failed' then ${ENDPOINT_DISABLED}
          when 'cancelled' then ${ENDPOINT_DELETED} else last_error end
    from judged
    where id = judged.delivery_id and status = 'pending' and not held
      and next_retry_at <= now() + ${EARLY_MS} * interval '1 millisecond'
    returning id, status, judged.claim_id as "claimId", event_type as "eventType",
      webhook_url as "webhookUrl", body, secret_encrypted as "secretEncrypted", attempt,
      max_attempts as "maxAttempts", attempts_before_round as "attemptsBeforeRound",
      internal_faults as "internalFaults", endpoint_id as "endpointId",
      order_no is not null as "isInLine", judged.secrets_encrypted as "secretsEncrypted",
      judged.headers_encrypted as "headersEncrypted", judged.timeout_ms as "timeoutMs",
      judged.retry_schedule_ms as "scheduleMs"`;
  const granted = new Map(rows.map((row) => [row.claimId, toClaim(row)]));
  return claims.map(({ claimId }) => granted.get(claimId));
}

function toClaim(row: ClaimRow): ClaimedDelivery | EndedDelivery {
  const { status, endpointId, isInLine, secretsEncrypted, ...rest } = row;
  const { headersEncrypted, timeoutMs, scheduleMs, ...delivery } = rest;
  if (endpointId === null || secretsEncrypted === null || status !== "sent") {
    if (status === "sent") return { outcome: "claimed", ...delivery, endpoint: null };
    const { id, claimId } = row;
    return { outcome: status, id, claimId, endpointId: endpointId ?? "", isInLine };
  }
  const endpoint = {
    id: endpointId,
    secretsEncrypted,
    headersEncrypted,
    timeoutMs,
    scheduleMs,
    isInLine,
  };
  return { outcome: "claimed", ...delivery, endpoint };
}
