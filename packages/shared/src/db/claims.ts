/**
 * Claims: how one of any number of jobs and workers gets to make an attempt. A guarded UPDATE with an id
 * of its own, which the result must carry to count (attempts.ts). Several at once in one statement.
 */
import type { FormatName } from "../core/formats/registry.ts";
import type { Standing } from "../core/lanes.ts";
import postgres from "postgres";
import { uuidArray, type Queryable } from "./client.ts";
import { ENDPOINT_DELETED, ENDPOINT_DISABLED } from "./deliveries.ts";

export interface Claim {
  readonly deliveryId: string;
  readonly workerId: string;
  /** Made anew for every claim. */
  readonly claimId: string;
}

export interface ClaimRules {
  /**
   * For each worker there is, so many in flight to one destination on the main lane; about, since claims
   * at the same moment do not see each other. Null: any number.
   */
  readonly inFlightPerWorker: number | null;
}

export interface ClaimedDelivery {
  readonly outcome: "claimed";
  readonly id: string;
  readonly claimId: string;
  readonly destination: string;
  readonly clientId: string | null;
  readonly eventType: string;
  readonly webhookUrl: string;
  readonly format: FormatName;
  readonly body: string;
  readonly secretEncrypted: Buffer | null;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly attemptsBeforeRound: number;
  readonly internalFaults: number;
  /** An open circuit lets it through, to see whether its destination is back. */
  readonly isProbe: boolean;
  /** Of its destination; undefined: it was never tried before. */
  readonly standing: Standing | undefined;
  readonly isTestDelivery: boolean;
  /** A row of the outbox tells how it stands. */
  readonly isFromOutbox: boolean;
  /** Null: it went to a URL of its own. */
  readonly endpoint: ClaimedEndpoint | null;
}

/** An endpoint as it is when the attempt begins; null: what the process is configured with. */
export interface ClaimedEndpoint {
  readonly id: string;
  readonly secretsEncrypted: Buffer;
  readonly headersEncrypted: Buffer | null;
  readonly tlsEncrypted: Buffer | null;
  readonly timeoutMs: number | null;
  readonly scheduleMs: readonly number[] | null;
  /** Starts per second, over all workers; null: as many as there are. */
  readonly ratePerSecond: number | null;
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

interface ClaimRow extends Omit<ClaimedDelivery, "outcome" | "endpoint" | "standing"> {
  readonly status: "sent" | "failed" | "cancelled" | "pending";
  readonly endpointId: string | null;
  readonly secretsEncrypted: Buffer | null;
  readonly headersEncrypted: Buffer | null;
  readonly tlsEncrypted: Buffer | null;
  readonly timeoutMs: number | null;
  readonly scheduleMs: readonly number[] | null;
  readonly ratePerSecond: number | null;
  readonly isInLine: boolean;
  /** Null: there is no such destination yet. */
  readonly isQuick: boolean | null;
  readonly isClosed: boolean;
  readonly failuresInARow: number;
}

/**
 * In the order asked. Undefined: it is not pending, held, or not due yet; somebody else has it, it was
 * cancelled, or its destination takes nothing on this lane now, in which case the sweep brings it back.
 * Of two claims for one delivery at most one is granted. What the endpoint says now holds for this
 * attempt: its URL, secrets, headers, timeout and waits.
 */
export async function claimDeliveries(
  sql: Queryable,
  claims: readonly Claim[],
  rules: ClaimRules = { inFlightPerWorker: null },
): Promise<(ClaimedDelivery | EndedDelivery | undefined)[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryToClaim(sql, claims, rules);
    } catch (error) {
      if (!isSlotTaken(error) || tries === MOST_TRIES) throw error;
    }
  }
}

/** Any constant of ours: a seed, so that these locks are no others. */
const PLACES_LOCK = 7_268_455;

/** Each time somebody else got a place in flight to the same endpoint, so this ends. */
const MOST_TRIES = 20;

function isSlotTaken(error: unknown): boolean {
  return (
    error instanceof postgres.PostgresError &&
    error.constraint_name === "webhook_deliveries_in_flight_slots"
  );
}

async function tryToClaim(
  sql: Queryable,
  claims: readonly Claim[],
  { inFlightPerWorker }: ClaimRules,
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
        endpoint.tls_encrypted, endpoint.timeout_ms, to_jsonb(endpoint.retry_schedule_ms) as retry_schedule_ms,
        coalesce(endpoint.max_attempts, cardinality(endpoint.retry_schedule_ms) + 1)
          as endpoint_max_attempts,
        endpoint.rate_limit_per_second,
        destination.is_quick, destination.state, destination.failures_in_a_row, slots.free[row_number() over (partition by endpoint.id)]
          as slot,
        case
          when delivery.endpoint_id is not null and endpoint.id is null then 'cancelled'
          when delivery.is_test_delivery then 'sent'
          when not endpoint.enabled then 'failed'
          -- Not now: it was queued before its destination asked for a pause, or turned slow or ill.
          when destination.paused_until > now() then 'pending'
          when delivery.lane = 'main' and not destination.is_quick then 'pending'
          when delivery.lane = 'main' and under_way.count >= crew.most_in_flight then 'pending'
          when destination.state = 'open' and delivery.lane is distinct from 'probe' then 'pending'
          when turn.is_others then 'pending'
          when endpoint.max_in_flight is not null
            and cardinality(slots.free) < row_number() over (partition by endpoint.id)
            then 'pending'
          else 'sent'
        end as next_status
      from wanted
      join webhook_deliveries as delivery on delivery.id = wanted.delivery_id
      left join webhook_endpoints as endpoint on endpoint.id = delivery.endpoint_id
      left join destinations as destination on destination.key = delivery.destination
      cross join (
        select ${inFlightPerWorker}::int * greatest(1, count(*)) as most_in_flight
        from worker_processes
      ) as crew
      left join lateral (
        select count(*) from (
          select from webhook_deliveries as other
          where other.destination = delivery.destination and other.status = 'sent'
          limit crew.most_in_flight
        ) as looked_at
      ) as under_way on delivery.lane = 'main'
      cross join lateral (
        -- Two claims that hand out places of one endpoint would wait for each other, each with some.
        select case when endpoint.max_in_flight is not null and not delivery.is_test_delivery
          then not pg_try_advisory_xact_lock(hashtextextended(endpoint.id::text, ${PLACES_LOCK}))
          else false end as is_others
      ) as turn
      left join lateral (
        select coalesce(array_agg(slot order by slot), '{}') as free
        from generate_series(1, endpoint.max_in_flight) as slot
        where not exists (
          select from webhook_deliveries as other
          where other.endpoint_id = endpoint.id and other.in_flight_slot = slot)
      ) as slots on endpoint.max_in_flight is not null and not delivery.is_test_delivery
    )
    update webhook_deliveries as delivery
    set status = next_status, queued_until = null, updated_at = now(),
        next_retry_at = case when next_status = 'pending' then next_retry_at end,
        lane = case when next_status = 'sent' then lane end,
        in_flight_slot = case when next_status = 'sent' then judged.slot end,
        attempt = case when next_status = 'sent' then attempt + 1 else attempt end,
        sent_at = case when next_status = 'sent' then now() else sent_at end,
        worker_id = case when next_status = 'sent' then judged.worker_id end,
        claim_id = case when next_status = 'sent' then judged.claim_id end,
        webhook_url = coalesce(judged.url, webhook_url),
        max_attempts = case
          when has_own_max_attempts or endpoint_max_attempts is null then max_attempts
          else greatest(attempt + 1, attempts_before_round + endpoint_max_attempts) end,
        error_type = case next_status when 'failed' then 'endpoint_disabled'
          when 'cancelled' then null else error_type end,
        last_error = case next_status when 'failed' then ${ENDPOINT_DISABLED}
          when 'cancelled' then ${ENDPOINT_DELETED} else last_error end
    from judged
    where id = judged.delivery_id and status = 'pending' and not held
      and next_retry_at <= now() + ${EARLY_MS} * interval '1 millisecond'
    returning id, status, judged.claim_id as "claimId", event_type as "eventType",
      webhook_url as "webhookUrl", format, body, secret_encrypted as "secretEncrypted", attempt,
      max_attempts as "maxAttempts", attempts_before_round as "attemptsBeforeRound",
      internal_faults as "internalFaults", endpoint_id as "endpointId",
      order_no is not null as "isInLine", judged.secrets_encrypted as "secretsEncrypted",
      judged.headers_encrypted as "headersEncrypted", judged.tls_encrypted as "tlsEncrypted", judged.timeout_ms as "timeoutMs",
      judged.retry_schedule_ms as "scheduleMs", delivery.client_id as "clientId",
      judged.rate_limit_per_second as "ratePerSecond", destination,
      outbox_message_id is not null as "isFromOutbox",
      lane is not distinct from 'probe' as "isProbe", is_test_delivery as "isTestDelivery",
      judged.is_quick as "isQuick", judged.state = 'closed' as "isClosed",
      judged.failures_in_a_row as "failuresInARow"`;
  const granted = new Map(rows.map((row) => [row.claimId, toClaim(row)]));
  return claims.map(({ claimId }) => granted.get(claimId));
}

function toClaim(row: ClaimRow): ClaimedDelivery | EndedDelivery | undefined {
  const { status, endpointId, isInLine, secretsEncrypted, ...rest } = row;
  const { headersEncrypted, tlsEncrypted, timeoutMs, scheduleMs, ratePerSecond, ...others } = rest;
  const { isQuick, isClosed, failuresInARow, ...found } = others;
  const hasOwnRate = ratePerSecond !== null;
  const standing = isQuick === null ? undefined : { isQuick, isClosed, failuresInARow, hasOwnRate };
  const delivery = { ...found, standing };
  if (status === "pending") return undefined;
  if (endpointId === null || secretsEncrypted === null || status !== "sent") {
    if (status === "sent") return { outcome: "claimed", ...delivery, endpoint: null };
    const { id, claimId } = row;
    return { outcome: status, id, claimId, endpointId: endpointId ?? "", isInLine };
  }
  const endpoint = {
    id: endpointId,
    secretsEncrypted,
    headersEncrypted,
    tlsEncrypted,
    timeoutMs,
    scheduleMs,
    ratePerSecond,
    isInLine,
  };
  return { outcome: "claimed", ...delivery, endpoint };
}
