/**
 * Says that this worker lives, and takes up what dead ones had in flight.
 *
 * A delivery that is `sent` belongs to the worker that claimed it. When that worker's heartbeat stands
 * still, its attempts are logged as interrupted and the deliveries run again. A claim of our own that
 * nothing here works on (its answer was lost with the connection) is taken up the same way.
 */
import { MAX_INTERRUPTIONS } from "@webhook-delivery/shared/core/fault.ts";
import {
  observe,
  type LivenessRules,
  type Observation,
} from "@webhook-delivery/shared/core/liveness.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { recoverInterrupted, type CutOff } from "@webhook-delivery/shared/db/interruptions.ts";
import { returnLeasesOf } from "@webhook-delivery/shared/db/leases.ts";
import {
  listWorkers,
  recordHeartbeat,
  removeWorkers,
  type WorkerProcess,
} from "@webhook-delivery/shared/db/workers.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import type { Claims } from "./claims.ts";

export interface WatchDeps {
  readonly sql: Sql;
  readonly self: WorkerProcess;
  readonly claims: Claims;
  readonly log: Logger;
  readonly monotonicNow: () => number;
  readonly onRecovered?: () => void;
}

export const HEARTBEAT_EVERY_MS = 1_000;
/** Several missed heartbeats, and well under the 15 s in which a delivery is to be taken up again. */
const RULES: LivenessRules = { deadAfterMs: 6_000, longestLookGapMs: 3_000 };

/** One call after the other; each remembers what the one before saw. */
export function createWatch(deps: WatchDeps): () => Promise<void> {
  let observation: Observation | undefined;
  return async function watchOnce() {
    const heartbeatAt = await recordHeartbeat(deps.sql, deps.self);
    const seen = await listWorkers(deps.sql);
    const judged = observe(observation, seen, deps.monotonicNow(), RULES);
    observation = judged.observation;

    // A claim made before the heartbeat and not held after it is one that nothing works on.
    await recover(deps, {
      workerIds: [deps.self.id],
      exceptClaimIds: deps.claims.list(),
      claimedBefore: heartbeatAt,
    });
    const dead = judged.dead.filter((id) => id !== deps.self.id);
    if (dead.length === 0) return;
    await recover(deps, { workerIds: dead, exceptClaimIds: [], claimedBefore: "infinity" });
    await returnLeasesOf(deps.sql, dead);
    await removeWorkers(deps.sql, dead);
  };
}

/** Gives up what this process has in flight, when it must end before that is done. */
export async function abandonClaims(deps: WatchDeps): Promise<void> {
  await recover(deps, {
    workerIds: [deps.self.id],
    exceptClaimIds: [],
    claimedBefore: "infinity",
  });
}

async function recover(deps: WatchDeps, cutOff: Omit<CutOff, "maxInterruptions">): Promise<void> {
  const { workerIds } = cutOff;
  const deliveryIds = await recoverInterrupted(deps.sql, {
    ...cutOff,
    maxInterruptions: MAX_INTERRUPTIONS,
  });
  if (deliveryIds.length === 0) return;
  deps.log.warn(
    { event: "attempts.interrupted", workerIds, deliveryIds },
    "a worker died during these attempts; they are made again",
  );
  deps.onRecovered?.();
}
