/**
 * What an attempt's outcome does to its endpoint: disabled when it is gone or has failed for long,
 * recovered when it works again after that. The change and the operational event that tells the operator
 * stand in one transaction; a worker fans the event out (publish-waiting.ts).
 */
import { v7 as uuidv7 } from "uuid";
import { maskUrl } from "../core/destination-url.ts";
import { DISABLE_AFTER_FAILURES, type HealthVerdict } from "../core/endpoint-health.ts";
import { inTransaction, type Sql } from "../db/client.ts";
import { disableEndpoint, endRecovery, type ChangedEndpoint } from "../db/endpoint-health.ts";
import { insertEvent } from "../db/events.ts";
import { revokeLeases } from "../db/leases.ts";
import { hashContent } from "./publish-event.ts";

export type OperationalEventType = "endpoint.disabled" | "endpoint.recovered";

/** True: something changed, and an event waits to be published. */
export async function applyHealthVerdict(
  sql: Sql,
  endpointId: string,
  verdict: HealthVerdict,
): Promise<boolean> {
  if (verdict.change === "none") return false;
  return inTransaction(sql, async (tx) => {
    if (verdict.change === "recovered") {
      const recovered = await endRecovery(tx, endpointId);
      if (recovered === undefined) return false;
      await insertEvent(tx, operationalEvent("endpoint.recovered", recovered, null));
      return true;
    }
    const { reason } = verdict;
    const minFailures = reason === "failing" ? DISABLE_AFTER_FAILURES : 0;
    const disabled = await disableEndpoint(tx, { id: endpointId, reason, minFailures });
    if (disabled === undefined) return false;
    await revokeLeases(tx, [endpointId]);
    await insertEvent(tx, operationalEvent("endpoint.disabled", disabled, reason));
    return true;
  });
}

/** For the operator's own endpoints, whosever endpoint it is about. */
function operationalEvent(
  type: OperationalEventType,
  endpoint: ChangedEndpoint,
  reason: string | null,
) {
  const id = uuidv7();
  const content = {
    type,
    source: null,
    dataText: JSON.stringify({
      endpointId: endpoint.id,
      clientId: endpoint.clientId,
      name: endpoint.name,
      url: maskUrl(endpoint.url),
      reason,
      failureCount: endpoint.failureCount,
      failingSince: endpoint.failingSince,
      lastError: endpoint.lastError,
    }),
  };
  return {
    id,
    clientId: null,
    eventId: id,
    ...content,
    contentHash: hashContent(content),
    occurredAt: new Date(),
    isPublished: false,
  };
}
