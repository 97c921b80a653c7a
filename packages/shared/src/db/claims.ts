/**
 * Claims: how one of any number of jobs and workers gets to make an attempt. The claim asks nothing but
 * whether there is a permit: whether a delivery may start was decided when its lease was granted
 * (leases.ts). It carries an id of its own, which the result must carry too to count (attempts.ts).
 */
import type { FormatName } from "../core/formats/registry.ts";
import type { PermitKind } from "../core/permit.ts";
import { createBatcher } from "../batcher.ts";
import { isDatabaseAway, uuidArray, type Queryable, type Sql } from "./client.ts";

export interface Claim {
  readonly deliveryId: string;
  /** Made anew for every claim. */
  readonly claimId: string;
}

export interface ClaimedDelivery {
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
  readonly permit: PermitKind;
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
  readonly maxInFlight: number | null;
  /** Others wait in line behind this delivery. */
  readonly isInLine: boolean;
}

export interface Claimer {
  /** `claimDeliveries` of one, which shares its statement with others that come with it. */
  claim(claim: Claim): Promise<ClaimedDelivery | undefined>;
}

/** Two at once: one is on its way while the other is worked on. */
const TOGETHER = { maxItems: 100, maxBatches: 2, concernsAll: isDatabaseAway } as const;

export function createClaimer(sql: Sql, workerId: string): Claimer {
  const run = (claims: readonly Claim[]) => claimDeliveries(sql, workerId, claims);
  return { claim: createBatcher({ ...TOGETHER, run }) };
}

/** A permit may be used this much before its time: clocks and timers are not exact. */
const EARLY_MS = 50;

/**
 * In the order asked, for one worker. Undefined: there is no valid permit for it (none was granted, it was
 * revoked, used or has expired), or the delivery is no longer pending. What the endpoint says now holds
 * for this attempt: its URL, secrets, headers, timeout and waits.
 */
export async function claimDeliveries(
  sql: Queryable,
  workerId: string,
  claims: readonly Claim[],
): Promise<(ClaimedDelivery | undefined)[]> {
  const rows = await sql<ClaimRow[]>`
    with asked as (
      select * from unnest(
        ${uuidArray(claims.map(({ deliveryId }) => deliveryId))}::text::uuid[],
        ${uuidArray(claims.map(({ claimId }) => claimId))}::text::uuid[]
      ) as asked (delivery_id, claim_id)
    ), permitted as (
      -- 1. Use up the permits that are valid now. A permit is used once.
      delete from delivery_leases as lease using asked
      where lease.delivery_id = asked.delivery_id and lease.expires_at > now()
        and lease.starts_at <= now() + ${EARLY_MS} * interval '1 millisecond'
      returning lease.delivery_id, asked.claim_id, lease.permit
    ), with_endpoint as (
      -- 2. Read what the endpoint says. One that is gone has no secret to sign with: no attempt.
      select permitted.*, endpoint.*
      from permitted join webhook_deliveries as delivery on delivery.id = permitted.delivery_id
      left join (${endpoints(sql)}) as endpoint using (endpoint_id)
      where delivery.endpoint_id is null or endpoint.secrets_encrypted is not null
    )
    -- 3. Begin the attempt of each that is still pending.
    update webhook_deliveries as delivery
    set status = 'sent', next_retry_at = null, attempt = attempt + 1, sent_at = now(),
        worker_id = ${workerId}, claim_id = given.claim_id, permit = given.permit,
        webhook_url = coalesce(given.url, webhook_url), updated_at = now(),
        max_attempts = case when has_own_max_attempts or given.max_attempts is null
          then delivery.max_attempts
          else greatest(attempt + 1, attempts_before_round + given.max_attempts) end
    from with_endpoint as given
    where delivery.id = given.delivery_id and status = 'pending' and not held
    returning id, given.claim_id as "claimId", destination, client_id as "clientId",
      event_type as "eventType", webhook_url as "webhookUrl", format, body,
      secret_encrypted as "secretEncrypted", attempt, delivery.max_attempts as "maxAttempts",
      attempts_before_round as "attemptsBeforeRound", internal_faults as "internalFaults",
      given.permit, is_test_delivery as "isTestDelivery",
      outbox_message_id is not null as "isFromOutbox", delivery.endpoint_id as "endpointId",
      secrets_encrypted as "secretsEncrypted", headers_encrypted as "headersEncrypted",
      tls_encrypted as "tlsEncrypted",
      timeout_ms as "timeoutMs", schedule_ms as "scheduleMs", rate_per_second as "ratePerSecond",
      max_in_flight as "maxInFlight", order_no is not null as "isInLine"`;
  const granted = new Map(rows.map((row) => [row.claimId, toClaim(row)]));
  return claims.map(({ claimId }) => granted.get(claimId));
}

function endpoints(sql: Queryable) {
  return sql`
    select id as endpoint_id, url, secrets_encrypted, headers_encrypted, tls_encrypted, timeout_ms,
      to_jsonb(retry_schedule_ms) as schedule_ms, rate_limit_per_second as rate_per_second,
      max_in_flight, coalesce(max_attempts, cardinality(retry_schedule_ms) + 1) as max_attempts
    from webhook_endpoints`;
}

/** The endpoint's columns beside the delivery's; null where there is no endpoint. */
type ClaimRow = Omit<ClaimedDelivery, "endpoint"> & {
  readonly endpointId: string | null;
  readonly secretsEncrypted: Buffer | null;
} & Omit<ClaimedEndpoint, "id" | "secretsEncrypted">;

function toClaim(row: ClaimRow): ClaimedDelivery {
  const { endpointId, secretsEncrypted, headersEncrypted, timeoutMs, scheduleMs, ...rest } = row;
  const { tlsEncrypted, ratePerSecond, maxInFlight, isInLine, ...delivery } = rest;
  if (endpointId === null || secretsEncrypted === null) return { ...delivery, endpoint: null };
  const settings = { timeoutMs, scheduleMs, ratePerSecond, maxInFlight, isInLine };
  const secrets = { secretsEncrypted, headersEncrypted, tlsEncrypted };
  return { ...delivery, endpoint: { id: endpointId, ...secrets, ...settings } };
}
