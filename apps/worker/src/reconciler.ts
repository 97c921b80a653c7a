/**
 * Rebuilds the queue from the rows. PostgreSQL holds every delivery with its due time; this walks over
 * the destinations that have something due and in no queue, deals out the room that the queue has among
 * them, and queues that: first attempts that ingest could not queue, retries, and whatever a flushed or
 * crashed queue lost. What a destination may not get now stays where it is and costs nothing.
 *
 * Runs in every worker, one sweep at a time over all of them. If the process dies between lease and
 * queue, the lease runs out.
 */
import { allowanceOf, type Allowance } from "@webhook-delivery/shared/core/allowance.ts";
import {
  OPENS_ABOVE_BACKLOG,
  withBacklog,
  type Circuit,
} from "@webhook-delivery/shared/core/circuit.ts";
import { takeTurns } from "@webhook-delivery/shared/core/fair-share.ts";
import { LANES } from "@webhook-delivery/shared/core/lanes.ts";
import { queueTarget } from "@webhook-delivery/shared/core/queue-depth.ts";
import { inTransaction, type Queryable, type Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  lockDestinations,
  saveDestinations,
  toKnown,
  type KnownDestination,
} from "@webhook-delivery/shared/db/destinations.ts";
import { advanceAllLines } from "@webhook-delivery/shared/db/order.ts";
import {
  countOutstanding,
  endLeases,
  leaseShares,
  lockSweep,
  returnLeases,
  walkDestinations,
  type LeasedDelivery,
  type Outstanding,
  type WalkedDestination,
} from "@webhook-delivery/shared/db/sweep.ts";
import { QUEUE_LEASE_MS } from "@webhook-delivery/shared/dispatch/direct-enqueue.ts";
import type { Producers } from "@webhook-delivery/shared/queue/producers.ts";
import { deal, roomOf, type Allowed } from "./deal.ts";
import { tellTransition, type Telling } from "./destination-notes.ts";

export interface SweepDeps extends Telling {
  readonly sql: Sql;
  readonly producers: Producers;
  readonly rateLimitPerSecond: number;
  readonly concurrency: number;
}

export const SWEEP_EVERY_MS = 500;
/** Longer than the time between sweeps, so that a retry is in the queue before it is due. */
export const SWEEP_HORIZON_MS = 1_500;
/** While there is more than one sweep takes. */
const BUSY_SWEEP_EVERY_MS = 50;
/** While something waits for a place among those of its destination, or for its ramp. */
const HELD_SWEEP_EVERY_MS = 200;
/** Of a line that ended (its endpoint is no longer ordered, or gone). */
const RELEASED_AT_ONCE = 1_000;
/** Looked at in one sweep; the next one goes on behind them. */
const DESTINATIONS_AT_ONCE = 500;

export interface Sweeper {
  /** Milliseconds until the next sweep is wanted. */
  sweepOnce(): Promise<number>;
}

export function createSweeper(deps: SweepDeps): Sweeper {
  /** The sweep before ended here, when it did not come round. */
  let after = "";
  return {
    async sweepOnce() {
      await advanceAllLines(deps.sql, RELEASED_AT_ONCE);
      const swept = await inTransaction(deps.sql, (tx) => sweep(deps, tx, after));
      if (swept === undefined) return SWEEP_EVERY_MS;
      after = swept.next ?? "";
      for (const { was, is, waiting } of swept.transitions)
        tellTransition(deps, was, is, { waiting });
      await enqueue(deps, swept.leased);
      return swept.nextMs;
    },
  };
}

interface Swept {
  readonly leased: readonly LeasedDelivery[];
  readonly next: string | null;
  readonly nextMs: number;
  /** Told when they are committed. */
  readonly transitions: readonly Transition[];
}

interface Transition {
  readonly was: KnownDestination;
  readonly is: Circuit;
  readonly waiting: number;
}

/** Undefined: another worker is at it. */
async function sweep(deps: SweepDeps, tx: Queryable, after: string): Promise<Swept | undefined> {
  if (!(await lockSweep(tx))) return undefined;
  await endLeases(tx);
  const outstanding = await countOutstanding(tx);
  const look = Math.max(queueTarget(deps.rateLimitPerSecond), OPENS_ABOVE_BACKLOG + 1);
  const horizonMs = SWEEP_HORIZON_MS;
  const walk = { after, limit: DESTINATIONS_AT_ONCE, look, horizonMs };
  const { found, next } = await walkDestinations(tx, walk);
  const allowed = found.map((walked) => ({ walked, ...judge(deps, walked, outstanding) }));
  const transitions = await saveChanges(tx, allowed);
  const shares = deal(allowed, roomOf(deps, outstanding));
  const leased = await leaseShares(tx, shares, { horizonMs, leaseMs: QUEUE_LEASE_MS });
  return {
    leased,
    next,
    transitions,
    nextMs: next === null ? nextSweepMs(found, leased, look) : BUSY_SWEEP_EVERY_MS,
  };
}

function nextSweepMs(
  found: readonly WalkedDestination[],
  leased: readonly LeasedDelivery[],
  look: number,
): number {
  const isFlood =
    leased.some(({ lane }) => lane === "main") && found.some(({ free }) => free >= look);
  if (isFlood) return BUSY_SWEEP_EVERY_MS;
  const given = Map.groupBy(leased, ({ destination }) => destination);
  const waitsForItsOwn = ({ destination, free, outstanding }: WalkedDestination): boolean => {
    const now = given.get(destination)?.length ?? 0;
    return free > now && outstanding + now > 0;
  };
  return found.some(waitsForItsOwn) ? HELD_SWEEP_EVERY_MS : SWEEP_EVERY_MS;
}

function judge(
  { concurrency }: SweepDeps,
  walked: WalkedDestination,
  { nowMs, workers }: Outstanding,
): Allowance {
  const { limitPerSecond, maxInFlight } = walked;
  const limits = { ratePerSecond: limitPerSecond, maxInFlight };
  const view = { ...walked, known: toKnown(walked), limits };
  return allowanceOf(view, { nowMs, mostOutstanding: concurrency * Math.max(1, workers) });
}

/** Circuits that open because so much waits, or close because little does; judged anew under their lock. */
async function saveChanges(tx: Queryable, allowed: readonly Allowed[]): Promise<Transition[]> {
  const candidates = allowed.filter(
    ({ walked, circuit }) => circuit !== undefined && circuit.state !== walked.state,
  );
  if (candidates.length === 0) return [];
  const { known, nowMs } = await lockDestinations(
    tx,
    candidates.map(({ walked }) => walked.destination),
  );
  const changed = candidates.flatMap(({ walked }) => {
    const was = known.get(walked.destination);
    if (was === undefined) return [];
    const { endpointId, outstanding } = walked;
    const clientId = endpointId === null ? null : walked.clientId;
    const waiting = walked.waiting + outstanding;
    const is = withBacklog(was.circuit, waiting, nowMs);
    return is === was.circuit
      ? []
      : [{ was, is, waiting, record: { ...was, circuit: is, endpointId, clientId } }];
  });
  await saveDestinations(
    tx,
    changed.map(({ record }) => record),
  );
  return changed;
}

async function enqueue(
  { sql, producers }: SweepDeps,
  leased: readonly LeasedDelivery[],
): Promise<void> {
  for (const lane of LANES) {
    const ofLane = takeTurns(leased.filter((one) => (one.lane === "main") === (lane === "main")));
    if (ofLane.length === 0) continue;
    try {
      await producers[lane].enqueue(ofLane.map(({ id, delayMs }) => ({ deliveryId: id, delayMs })));
    } catch (error) {
      await returnLeases(
        sql,
        ofLane.map(({ id }) => id),
      );
      throw error;
    }
  }
}
