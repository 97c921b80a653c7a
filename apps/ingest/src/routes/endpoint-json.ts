/** Endpoints as the API takes and shows them: seconds outside, milliseconds inside. */
import { maskHeaders } from "@webhook-delivery/shared/core/custom-headers.ts";
import { maskTls } from "@webhook-delivery/shared/core/endpoint-tls.ts";
import { endpointStatus } from "@webhook-delivery/shared/core/endpoint-health.ts";
import type { ShownDestination } from "@webhook-delivery/shared/db/destination-list.ts";
import type { Endpoint } from "@webhook-delivery/shared/db/endpoints.ts";
import type { Totals } from "@webhook-delivery/shared/db/stats.ts";
import { circuitJson } from "./destination-json.ts";

const MS_PER_SECOND = 1_000;

export interface AlsoShown {
  readonly totals: Totals | undefined;
  readonly destination: ShownDestination | undefined;
}

export function endpointJson(endpoint: Endpoint, { totals, destination }: AlsoShown) {
  const { registeredSource, headerNames, tlsParts, retryScheduleMs, ...shown } = endpoint;
  const { total = 0, success = 0, failed = 0 } = totals ?? {};
  return {
    ...shown,
    source: registeredSource,
    eventTypes: [...endpoint.eventTypes],
    sources: [...endpoint.sources],
    headers: maskHeaders(headerNames),
    tls: maskTls(tlsParts),
    retryScheduleSeconds: retryScheduleMs?.map((ms) => ms / MS_PER_SECOND) ?? null,
    status: endpointStatus(endpoint),
    circuit: destination === undefined ? null : circuitJson(destination),
    successRate: success + failed === 0 ? null : success / (success + failed),
    totalEvents: total,
    disabledAt: time(endpoint.disabledAt),
    failingSince: time(endpoint.failingSince),
    lastAttemptAt: time(endpoint.lastAttemptAt),
    lastSuccessAt: time(endpoint.lastSuccessAt),
    rotationEndsAt: time(endpoint.rotationEndsAt),
    createdAt: endpoint.createdAt.toISOString(),
    updatedAt: endpoint.updatedAt.toISOString(),
  };
}

/** Undefined stays undefined (as it is), null stays null (as usual). */
export function inMilliseconds(
  seconds: readonly number[] | null | undefined,
): readonly number[] | null | undefined {
  return (
    seconds?.map((wait) => Math.round(wait * MS_PER_SECOND)) ??
    (seconds === null ? null : undefined)
  );
}

function time(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
