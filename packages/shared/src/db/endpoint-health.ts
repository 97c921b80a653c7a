/** Changes of an endpoint's state that its deliveries bring about. */
import type { DisabledReason } from "../core/endpoint-health.ts";
import type { Queryable } from "./client.ts";

/** An endpoint whose state changed, as the operational event tells it. */
export interface ChangedEndpoint {
  readonly id: string;
  readonly clientId: string | null;
  readonly name: string | null;
  readonly url: string;
  readonly failureCount: number;
  readonly failingSince: Date | null;
  readonly lastError: string | null;
}

/** Undefined: it is disabled already, gone, or has fewer failures by now (it may have succeeded). */
export async function disableEndpoint(
  sql: Queryable,
  wanted: { readonly id: string; readonly reason: DisabledReason; readonly minFailures: number },
): Promise<ChangedEndpoint | undefined> {
  const { id, reason, minFailures } = wanted;
  const [row] = await sql<ChangedEndpoint[]>`
    update webhook_endpoints as endpoint
    set enabled = false, disabled_reason = ${reason}, disabled_at = now(), awaits_recovery = false,
        updated_at = now()
    from webhook_endpoint_health as health
    where endpoint.id = ${id} and health.endpoint_id = endpoint.id and endpoint.enabled
      and health.failure_count >= ${minFailures}
    returning ${changed(sql)}`;
  return row;
}

/** Undefined: nobody waits for it to recover, or another worker has told already. */
export async function endRecovery(
  sql: Queryable,
  id: string,
): Promise<ChangedEndpoint | undefined> {
  const [row] = await sql<ChangedEndpoint[]>`
    update webhook_endpoints as endpoint set awaits_recovery = false, updated_at = now()
    from webhook_endpoint_health as health
    where endpoint.id = ${id} and health.endpoint_id = endpoint.id and endpoint.awaits_recovery
    returning ${changed(sql)}`;
  return row;
}

const MOST_COUNTED = 10_000;

/**
 * What an endpoint did not get since it began to fail, counted up to 10,000. `since`: when the oldest
 * of it was accepted, which is before its failure.
 */
export async function countMissed(
  sql: Queryable,
  endpointId: string,
  failingSince: Date,
): Promise<{ readonly count: number; readonly since: Date }> {
  const [row] = await sql<{ count: number; since: Date }[]>`
    select count(*)::int as count, coalesce(min(created_at), ${failingSince}) as since
    from (
      select created_at from webhook_deliveries
      where endpoint_id = ${endpointId} and status = 'failed' and updated_at >= ${failingSince}
      order by id desc limit ${MOST_COUNTED}
    ) as missed`;
  return row ?? { count: 0, since: failingSince };
}

function changed(sql: Queryable) {
  return sql`
    endpoint.id, endpoint.client_id as "clientId", endpoint.name, endpoint.url,
    health.failure_count as "failureCount", health.failing_since as "failingSince",
    health.last_error as "lastError"`;
}
