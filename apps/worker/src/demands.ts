/** From what waits and what is outstanding to what each destination may have: its row, asked at the one gate. */
import type { Demand } from "@webhook-delivery/shared/core/allocation.ts";
import { quotaOf } from "@webhook-delivery/shared/core/quota.ts";
import { toKnown } from "@webhook-delivery/shared/db/destinations.ts";
import type { OpenRound } from "@webhook-delivery/shared/db/scheduling.ts";
import type { WaitingDestination } from "@webhook-delivery/shared/db/waiting.ts";

export interface Judged {
  readonly demand: Demand;
  readonly destination: WaitingDestination;
}

/** `concurrency`: attempts in flight at once to one destination, of each worker. */
export function judge(
  concurrency: number,
  found: readonly WaitingDestination[],
  { rows, workers, nowMs }: OpenRound,
): Judged[] {
  const byDestination = Map.groupBy(rows, (row) => row.destination);
  const rules = { nowMs, mostInFlight: concurrency * Math.max(1, workers) };
  return found.map((destination) => {
    const { limitPerSecond, maxInFlight, releasedAtMs, clientId, oldestDueMs } = destination;
    let [leased, inFlight] = [0, 0];
    for (const row of byDestination.get(destination.destination) ?? []) {
      leased += row.leased;
      inFlight += row.inFlight;
    }
    const { countedUpTo } = destination;
    const due = orMuch(destination.due, countedUpTo);
    const quota = quotaOf(
      {
        known: toKnown(destination),
        due,
        waiting: orMuch(destination.waiting, countedUpTo),
        leased,
        inFlight,
        limits: { ratePerSecond: limitPerSecond, maxInFlight },
        releasedAtMs,
      },
      rules,
    );
    const outstanding = leased + inFlight;
    const key = destination.destination;
    return {
      destination,
      demand: { destination: key, clientId, quota, outstanding, due, oldestDueMs },
    };
  });
}

/** Counting stops at a bound. */
function orMuch(count: number, upTo: number): number {
  return count >= upTo ? Infinity : count;
}
