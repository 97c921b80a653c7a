/** Destinations of the service under test, as the API shows them. */
import type { Api } from "./api.ts";
import { bodyOf } from "./registry.ts";

export interface CircuitJson {
  readonly state: "closed" | "open" | "half_open";
  readonly reason: string | null;
  readonly since: string | null;
  readonly failuresInARow: number;
  readonly isSlow: boolean;
  readonly lane: "main" | "side";
  readonly nextProbeAt: string | null;
  readonly pausedUntil: string | null;
  readonly ratePerSecond: number | null;
  readonly heldBack: number;
}

export interface DestinationJson extends CircuitJson {
  readonly destination: string;
  readonly endpointId: string | null;
  readonly clientId: string | null;
}

export async function readDestination(api: Api, key: string): Promise<DestinationJson> {
  const answer = await api.get(`/destinations/${encodeURIComponent(key)}`);
  return bodyOf<{ destination: DestinationJson }>(answer, 200).destination;
}
