/** Destinations as the API shows them. */
import {
  HELD_BACK_CAP,
  type ShownDestination,
} from "@webhook-delivery/shared/db/destination-list.ts";
import { isHealthy } from "@webhook-delivery/shared/core/quota.ts";

/** The state alone, as an endpoint shows its own. */
export function circuitJson({ circuit, isQuick, heldBack }: ShownDestination) {
  const { state, reason, failuresInARow, ratePerSecond } = circuit;
  return {
    state,
    reason,
    since: circuit.sinceMs === 0 ? null : time(circuit.sinceMs),
    failuresInARow,
    isSlow: !isQuick,
    lane: isHealthy({ circuit, isQuick }) ? ("main" as const) : ("side" as const),
    nextProbeAt: time(circuit.probeAtMs),
    pausedUntil: time(circuit.pausedUntilMs),
    ratePerSecond,
    heldBack: Math.min(heldBack, HELD_BACK_CAP),
    ...(heldBack > HELD_BACK_CAP && { heldBackIsCapped: true }),
  };
}

export function destinationJson(destination: ShownDestination) {
  const { key, endpointId, clientId } = destination;
  return { destination: key, endpointId, clientId, ...circuitJson(destination) };
}

function time(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
