/** What an attempt's outcome means for the endpoint it went to. Pure: the counts come from the row. */
import type { AttemptResult } from "./attempt-result.ts";

export const DISABLED_REASONS = ["manual", "gone", "failing"] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

export type EndpointStatus = "active" | "failing" | "disabled";

/** After this attempt. */
export interface EndpointHealth {
  /** Attempts that failed since the last success. */
  readonly failureCount: number;
  readonly failingSince: Date | null;
  /** It was disabled by its failures, enabled again, and has not succeeded since. */
  readonly awaitsRecovery: boolean;
}

/** Both must be reached: an endpoint that is asked seldom is not given up after a bad day. */
export const DISABLE_AFTER_FAILURES = 20;
export const DISABLE_AFTER_MS = 5 * 86_400_000;

export type HealthVerdict =
  | { readonly change: "none" }
  | { readonly change: "disable"; readonly reason: Exclude<DisabledReason, "manual"> }
  | { readonly change: "recovered" };

export function judgeHealth(
  result: Pick<AttemptResult, "kind"> & { readonly status?: number },
  health: EndpointHealth,
  now: Date,
): HealthVerdict {
  if (result.kind === "response" && result.status === 410) {
    return { change: "disable", reason: "gone" };
  }
  if (health.failureCount === 0) {
    return health.awaitsRecovery ? { change: "recovered" } : { change: "none" };
  }
  const isFailing =
    health.failureCount >= DISABLE_AFTER_FAILURES &&
    health.failingSince !== null &&
    now.getTime() - health.failingSince.getTime() >= DISABLE_AFTER_MS;
  return isFailing ? { change: "disable", reason: "failing" } : { change: "none" };
}

export function endpointStatus(endpoint: {
  readonly enabled: boolean;
  readonly failureCount: number;
}): EndpointStatus {
  if (!endpoint.enabled) return "disabled";
  return endpoint.failureCount > 0 ? "failing" : "active";
}
