/**
 * The scheduler: the only one that says "now". PostgreSQL holds every delivery with its due time; a round
 * walks over the destinations that have something due, asks for each how much may start (core/quota.ts),
 * allocates the capacity among them (core/allocation.ts) and grants the leases. This worker runs its part of
 * them at once, which saves a lone delivery the way through the queue; the queue gives the others to whoever
 * is free. What a destination may not get now stays where it is and costs nothing.
 *
 * Runs in every worker, one round at a time for each shard. If the process dies between lease and queue, the
 * leases expire.
 */
import { allocate, type Allocation } from "@webhook-delivery/shared/core/allocation.ts";
import { capacityOf, type CapacityConfig } from "@webhook-delivery/shared/core/capacity.ts";
import { OPENS_ABOVE_BACKLOG } from "@webhook-delivery/shared/core/circuit.ts";
import { removeExpiredLeases, revokeAllLeases } from "@webhook-delivery/shared/db/leases.ts";
import { advanceAllLines } from "@webhook-delivery/shared/db/order.ts";
import {
  createShard,
  ONE_SHARD,
  openRound,
  type Leased,
  type Shard,
} from "@webhook-delivery/shared/db/scheduling.ts";
import { endWaitingOf, walkDestinations } from "@webhook-delivery/shared/db/waiting.ts";
import { saveTransitions } from "./circuit-transitions.ts";
import { judge, type Judged } from "./demands.ts";
import type { TransitionDeps } from "./destination-health.ts";
import { grantLeases, handPermits, type GrantDeps } from "./grants.ts";

export interface SchedulerDeps extends GrantDeps, TransitionDeps {
  readonly capacity: CapacityConfig;
  readonly monotonicNow: () => number;
  /** Default: all destinations. */
  readonly shard?: Shard;
}

/** Without a wake. */
export const SCHEDULE_EVERY_MS = 500;
/**
 * What is due so soon gets its lease now, so that it starts on time. Short, because a lease that waits for its
 * time takes capacity from others.
 */
const HORIZON_MS = 100;
/** Before the time of the next delivery: half of the horizon, so that a round that is a little late is not too late. */
const ROUND_BEFORE_DUE_MS = 50;
/** While there is more than the capacity: well below the 0.3 s of work that a rate limit lets be leased. */
const BUSY_EVERY_MS = { limited: 50, unlimited: 20 };
/** While a destination waits for its own attempts, its ramp or its probe. */
const HELD_EVERY_MS = 200;
/** What need not be done in every round. */
const TIDY_EVERY_MS = 450;
const DESTINATIONS_A_ROUND = 500;
/** Of one destination; more than that is "much". */
const COUNT_UP_TO = OPENS_ABOVE_BACKLOG + 1;
/** Of an ordered endpoint that is no longer ordered, or gone. */
const RELEASED_A_ROUND = 1_000;
/** Of each endpoint that is disabled or gone. */
const ENDED_A_ROUND = 1_000;

export interface Scheduler {
  /** Milliseconds until the next round is wanted. */
  scheduleOnce(): Promise<number>;
  /** Another worker led when this one looked last: a wake must reach that one. */
  isFollowing(): boolean;
}

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { sql, producer, log, monotonicNow, shard = ONE_SHARD } = deps;
  /** The round before ended here, when it did not come round. */
  let after = "";
  let tidiedAt = -Infinity;
  let isFollowing = false;

  /** Rejects while the queue is away: leases that nobody can use would only have to expire. */
  const tidy = async (): Promise<void> => {
    if (await producer.hasLostEverything()) {
      const revoked = await revokeAllLeases(sql);
      if (revoked > 0) log.warn({ event: "queue.emptied", revoked }, "the leases are granted anew");
    }
    await createShard(sql, shard);
    await removeExpiredLeases(sql);
    await advanceAllLines(sql, RELEASED_A_ROUND);
  };

  return {
    async scheduleOnce() {
      if (monotonicNow() - tidiedAt >= TIDY_EVERY_MS) {
        await tidy();
        tidiedAt = monotonicNow();
      }
      const round = await scheduleRound(deps, { after, shard });
      isFollowing = round === undefined;
      if (round === undefined) return SCHEDULE_EVERY_MS;
      after = round.next ?? "";
      await handPermits(deps, round.leased);
      return round.nextMs;
    },
    isFollowing: () => isFollowing,
  };
}

interface Round {
  readonly leased: readonly Leased[];
  readonly next: string | null;
  readonly nextMs: number;
}

/** Undefined: another worker leads. */
async function scheduleRound(
  deps: SchedulerDeps,
  { after, shard }: { readonly after: string; readonly shard: Shard },
): Promise<Round | undefined> {
  const { sql, workerId } = deps;
  const open = await openRound(sql, { shard, workerId });
  if (open === undefined) return undefined;
  const { found, next, nextDueInMs } = await walkDestinations(sql, {
    after,
    shard,
    limit: DESTINATIONS_A_ROUND,
    countUpTo: COUNT_UP_TO,
    horizonMs: HORIZON_MS,
  });
  const endedIds = found.filter(({ isEnded }) => isEnded).map(({ destination }) => destination);
  const ended = await endDeliveries(deps, endedIds);
  const judged = judge(
    deps.capacity.concurrency,
    found.filter(({ isEnded }) => !isEnded),
    open,
  );
  // Grants that were judged by the old states would be void.
  if (await saveTransitions(deps, judged)) return { leased: [], next: after || null, nextMs: 0 };
  const allocations = allocate(
    judged.map(({ demand }) => demand),
    capacityOf(deps.capacity, open),
  );
  const leased = await grantLeases(deps, { allocations, open, shard, horizonMs: HORIZON_MS });
  // Nothing was leased although there is something: another round was quicker.
  const isVoid = allocations.length > 0 && leased.length === 0;
  const hasMore = ended > 0 || next !== null || isVoid;
  const untilDueMs = Math.max(0, (nextDueInMs ?? Infinity) - ROUND_BEFORE_DUE_MS);
  const nextMs = hasMore ? 0 : Math.min(nextRoundMs(deps, judged, allocations), untilDueMs);
  return { leased, next, nextMs };
}

/** What waits for endpoints that are disabled or gone. */
async function endDeliveries({ sql, log }: SchedulerDeps, endpointIds: string[]): Promise<number> {
  if (endpointIds.length === 0) return 0;
  const ended = await endWaitingOf(sql, endpointIds, ENDED_A_ROUND);
  for (const { id, status } of ended) {
    log.info({ event: "delivery.ended", deliveryId: id, status }, "its endpoint takes nothing");
  }
  if (ended.length > 0) await advanceAllLines(sql, RELEASED_A_ROUND);
  return ended.length;
}

function nextRoundMs(
  { capacity: { rateLimitPerSecond } }: SchedulerDeps,
  judged: readonly Judged[],
  allocations: readonly Allocation[],
): number {
  const busyMs = rateLimitPerSecond === 0 ? BUSY_EVERY_MS.unlimited : BUSY_EVERY_MS.limited;
  const given = new Map(allocations.map(({ demand, count }) => [demand, count]));
  let isHeld = false;
  for (const { demand } of judged) {
    const { quota, due, outstanding } = demand;
    const count = given.get(demand) ?? 0;
    if (count < Math.min(quota.count, due)) return busyMs;
    if (count < due && outstanding + count > 0) isHeld = true;
  }
  return isHeld ? HELD_EVERY_MS : SCHEDULE_EVERY_MS;
}
