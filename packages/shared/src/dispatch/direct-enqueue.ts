/**
 * The short way from ingest into the queue. An optimisation: it saves a new delivery the wait for the
 * workers' next sweep (half a second) and is not needed for correctness. Nothing fails with it; what it
 * could not queue is left to the sweep at once. It takes little of any one destination at a time: what
 * comes in a flood waits in its rows, where the sweep deals fairly.
 */
import { LANES, type Lane } from "../core/lanes.ts";
import { DIRECT_WINDOW_MS, type DirectRoom } from "../core/queue-depth.ts";
import type { Producer } from "../queue/producer.ts";

/** Null: not the short way. */
export type Reservation = { readonly lane: Lane; readonly forMs: number } | null;

export interface DirectEnqueue {
  /**
   * Decides before the row is written whether this delivery goes the short way, on which lane, and for
   * how long the row is to be trusted as queued.
   */
  reserve(destination: string): Promise<Reservation>;
  /** The same for a test, which is made now whatever is known of its destination. */
  reserveForTest(): Reservation;
  /** After the row is committed. Returns at once. */
  enqueue(deliveryId: string, lane: Lane): void;
  /** Resolves when everything that was handed over is queued or given up. */
  close(): Promise<void>;
}

export interface DirectEnqueueDeps {
  readonly producers: Readonly<Record<Lane, Producer>>;
  /** Above it new deliveries wait in PostgreSQL. */
  readonly mainRoom: DirectRoom;
  /** Undefined: its destination is for the sweep to judge. */
  readonly laneOf: (destination: string) => Promise<Lane | undefined>;
  readonly giveBack: (deliveryIds: readonly string[]) => Promise<void>;
  readonly onError: (error: unknown, what: string) => void;
  readonly now?: () => number;
}

/** A queue job that has not run after this is presumed lost; see endLeases. */
export const QUEUE_LEASE_MS = 10_000;

/** After a failure the short way stays closed this long, so that an outage costs next to nothing. */
const PAUSE_AFTER_FAILURE_MS = 1_000;
const DEPTH_STALE_AFTER_MS = 250;
/** One round trip carries at most this many. */
const LARGEST_BATCH = 500;
/** Of one destination a first look, no more; the sweep deals out the rest. */
const SIDE_ROOM: DirectRoom = { shared: 0, most: 20, few: 2 };

interface LaneState {
  batch: string[];
  depth: number;
  depthAskedAt: number;
}

export function createDirectEnqueue(deps: DirectEnqueueDeps): DirectEnqueue {
  const now = deps.now ?? Date.now;
  const fresh = (): LaneState => ({ batch: [], depth: 0, depthAskedAt: -Infinity });
  const lanes: Record<Lane, LaneState> = { main: fresh(), side: fresh() };
  const rooms: Record<Lane, DirectRoom> = { main: deps.mainRoom, side: SIDE_ROOM };
  const inFlight = new Set<Promise<void>>();
  let closedUntil = -Infinity;
  /** Of the present window only, so that it stays small. */
  let counted = { since: -Infinity, of: new Map<string, number>() };

  const track = (work: Promise<void>): void => {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  };

  const fail = (error: unknown, what: string): void => {
    closedUntil = now() + PAUSE_AFTER_FAILURE_MS;
    deps.onError(error, what);
  };

  const askDepth = async (lane: Lane): Promise<void> => {
    lanes[lane].depthAskedAt = now();
    try {
      lanes[lane].depth = await deps.producers[lane].depth();
    } catch (error) {
      fail(error, "the queue did not tell its depth");
    }
  };

  const countInWindow = (destination: string): number => {
    if (now() - counted.since >= DIRECT_WINDOW_MS) counted = { since: now(), of: new Map() };
    const count = (counted.of.get(destination) ?? 0) + 1;
    counted.of.set(destination, count);
    return count;
  };

  const hasRoom = (destination: string, lane: Lane): boolean => {
    const state = lanes[lane];
    if (now() - state.depthAskedAt > DEPTH_STALE_AFTER_MS) track(askDepth(lane));
    const { shared, most, few } = rooms[lane];
    const isFew = countInWindow(destination) <= few;
    if (state.depth >= (isFew ? most : shared)) return false;
    // Now, not when it is queued: those of one batch come in one turn of the event loop.
    state.depth++;
    return true;
  };

  const send = async (lane: Lane, ids: readonly string[]): Promise<void> => {
    try {
      const jobs = ids.map((deliveryId) => ({ deliveryId, delayMs: 0 }));
      await deps.producers[lane].enqueue(jobs);
    } catch (error) {
      fail(error, "the queue took no jobs; the worker's sweep will queue them");
      // If this fails as well, the lease runs out by itself.
      await deps.giveBack(ids).catch((cause: unknown) => deps.onError(cause, "no leases returned"));
    }
  };

  const flush = (lane: Lane): void => {
    const ids = lanes[lane].batch;
    lanes[lane].batch = [];
    for (let at = 0; at < ids.length; at += LARGEST_BATCH) {
      track(send(lane, ids.slice(at, at + LARGEST_BATCH)));
    }
  };

  return {
    async reserve(destination) {
      if (now() < closedUntil) return null;
      const lane = await deps.laneOf(destination);
      if (lane === undefined || !hasRoom(destination, lane)) return null;
      return { lane, forMs: QUEUE_LEASE_MS };
    },
    reserveForTest() {
      return now() < closedUntil ? null : { lane: "side", forMs: QUEUE_LEASE_MS };
    },
    enqueue(deliveryId, lane) {
      // What arrives in the same turn of the event loop shares a round trip.
      if (lanes[lane].batch.push(deliveryId) === 1) setImmediate(() => flush(lane));
    },
    async close() {
      for (const lane of LANES) if (lanes[lane].batch.length > 0) flush(lane);
      await Promise.all(inFlight);
    },
  };
}
