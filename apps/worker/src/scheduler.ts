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
import {
  allocate,
  interleave,
  type Allocation,
  type Demand,
} from "@webhook-delivery/shared/core/allocation.ts";
import { capacityOf, type CapacityConfig } from "@webhook-delivery/shared/core/capacity.ts";
import { OPENS_ABOVE_BACKLOG, withBacklog } from "@webhook-delivery/shared/core/circuit.ts";
import { destinationKey, LEASE_MS } from "@webhook-delivery/shared/core/permit.ts";
import { quotaOf } from "@webhook-delivery/shared/core/quota.ts";
import { inTransaction, type Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  lockDestinations,
  noteReleases,
  saveDestinations,
  toKnown,
} from "@webhook-delivery/shared/db/destinations.ts";
import {
  removeExpiredLeases,
  returnLeases,
  revokeAllLeases,
  revokeLeases,
} from "@webhook-delivery/shared/db/leases.ts";
import { advanceAllLines } from "@webhook-delivery/shared/db/order.ts";
import {
  createShard,
  leaseByAge,
  leaseByDueTime,
  leaseTests,
  ONE_SHARD,
  openRound,
  type Grant,
  type GrantOptions,
  type Leased,
  type OpenRound,
  type Shard,
} from "@webhook-delivery/shared/db/scheduling.ts";
import {
  endWaitingOf,
  walkDestinations,
  type WaitingDestination,
} from "@webhook-delivery/shared/db/waiting.ts";
import type { QueuedPermit, QueueProducer } from "@webhook-delivery/shared/queue/queue.ts";
import type { Runner } from "@webhook-delivery/shared/queue/runner.ts";
import { logTransition, type TransitionDeps } from "./destination-health.ts";

export interface SchedulerDeps extends TransitionDeps {
  readonly sql: Sql;
  readonly producer: QueueProducer;
  readonly runner: Runner;
  readonly workerId: string;
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
/** While there is more than the capacity. */
const BUSY_EVERY_MS = 20;
/** While a destination waits for its own attempts, its ramp or its probe. */
const HELD_EVERY_MS = 200;
/** What need not be done in every round. */
const TIDY_EVERY_MS = 450;
const DESTINATIONS_A_ROUND = 500;
/** Of one destination; more than that is "much". */
const COUNT_UP_TO = OPENS_ABOVE_BACKLOG + 1;
const TESTS_A_ROUND = 100;
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
      await hand(deps, round.leased);
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
    deps,
    found.filter(({ isEnded }) => !isEnded),
    open,
  );
  // Grants that were judged by the old states would be void.
  if (await saveTransitions(deps, judged)) return { leased: [], next: after || null, nextMs: 0 };
  const allocations = allocate(
    judged.map(({ demand }) => demand),
    capacityOf(deps.capacity, open),
  );
  const leased = await grantLeases(deps, { allocations, open, shard });
  // Nothing was leased although there is something: another round was quicker.
  const isVoid = allocations.length > 0 && leased.length === 0;
  const hasMore = ended > 0 || next !== null || isVoid;
  const untilDueMs = Math.max(0, (nextDueInMs ?? Infinity) - ROUND_BEFORE_DUE_MS);
  const nextMs = hasMore ? 0 : Math.min(nextRoundMs(judged, allocations), untilDueMs);
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

interface Judged {
  readonly demand: Demand;
  readonly destination: WaitingDestination;
}

function judge(
  { capacity: { concurrency } }: SchedulerDeps,
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

interface Granting {
  readonly allocations: readonly Allocation[];
  readonly open: OpenRound;
  readonly shard: Shard;
}

async function grantLeases(
  { sql, runner, workerId }: SchedulerDeps,
  { allocations, open, shard }: Granting,
): Promise<Leased[]> {
  const of = (order: "due" | "age"): Grant[] =>
    allocations
      .filter(({ demand: { quota } }) => quota.order === order)
      .map(({ demand: { destination, quota }, count }) => {
        return { destination, count, kind: quota.kind, sinceMs: quota.circuit?.sinceMs ?? null };
      });
  const total = allocations.reduce((sum, { count }) => sum + count, open.hasTests ? 1 : 0);
  const mostForSelf = Math.min(runner.room(), Math.ceil(total / Math.max(1, open.workers)));
  let { version } = open;
  const leased: Leased[] = [];
  const grant = async (work: (options: GrantOptions) => Promise<Leased[]>): Promise<void> => {
    const times = { horizonMs: HORIZON_MS, leaseMs: LEASE_MS };
    leased.push(...(await work({ ...times, shard, version, workerId, mostForSelf })));
    version++;
  };
  if (open.hasTests) await grant((options) => leaseTests(sql, TESTS_A_ROUND, options));
  const byDueTime = of("due");
  if (byDueTime.length > 0) await grant((options) => leaseByDueTime(sql, byDueTime, options));
  const byAge = of("age");
  if (byAge.length > 0) {
    await grant((options) => leaseByAge(sql, byAge, options));
    await noteReleases(
      sql,
      byAge.map(({ destination }) => destination),
    );
  }
  return leased;
}

function nextRoundMs(judged: readonly Judged[], allocations: readonly Allocation[]): number {
  const given = new Map(allocations.map(({ demand, count }) => [demand, count]));
  let isHeld = false;
  for (const { demand } of judged) {
    const { quota, due, outstanding } = demand;
    const count = given.get(demand) ?? 0;
    if (count < Math.min(quota.count, due)) return BUSY_EVERY_MS;
    if (count < due && outstanding + count > 0) isHeld = true;
  }
  return isHeld ? HELD_EVERY_MS : SCHEDULE_EVERY_MS;
}

/** Circuits that open because so much waits, or close because little does. True: there were some. */
async function saveTransitions(deps: SchedulerDeps, judged: readonly Judged[]): Promise<boolean> {
  const candidates = judged.filter(({ demand: { quota }, destination }) => {
    return quota.circuit !== undefined && quota.circuit.state !== destination.state;
  });
  if (candidates.length === 0) return false;
  const transitions = await inTransaction(deps.sql, async (tx) => {
    const keys = candidates.map(({ demand }) => demand.destination);
    const { known, nowMs } = await lockDestinations(tx, keys);
    // Judged anew under their lock: an attempt may have said something since.
    const changed = candidates.flatMap(({ demand, destination }) => {
      const was = known.get(demand.destination);
      if (was === undefined) return [];
      const { endpointId } = destination;
      const clientId = endpointId === null ? null : demand.clientId;
      const waiting = destination.waiting + demand.outstanding;
      const circuit = withBacklog(was.circuit, waiting, nowMs);
      return circuit === was.circuit
        ? []
        : [{ ...was, circuit, endpointId, clientId, was, waiting }];
    });
    await saveDestinations(tx, changed);
    await revokeLeases(
      tx,
      changed.filter(({ circuit }) => circuit.state === "open").map(({ key }) => key),
    );
    return changed;
  });
  for (const { was, circuit, waiting } of transitions)
    logTransition(deps, was, circuit, { waiting });
  return transitions.length > 0;
}

async function hand(
  { sql, producer, runner }: SchedulerDeps,
  leased: readonly Leased[],
): Promise<void> {
  const others: QueuedPermit[] = [];
  for (const { deliveryId, destination, kind, delayMs, isTaken } of interleave(leased)) {
    const permit = { deliveryId, destinationKey: destinationKey(destination), kind };
    if (isTaken) void runner.run(permit);
    else others.push({ ...permit, delayMs });
  }
  if (others.length === 0) return;
  try {
    await producer.enqueue(others);
  } catch (error) {
    await returnLeases(
      sql,
      others.map(({ deliveryId }) => deliveryId),
    );
    throw error;
  }
}
