/**
 * The short way from ingest into the queue. An optimisation: it saves a new delivery the wait for the
 * worker's next sweep (half a second) and is not needed for correctness. Nothing waits for it, nothing
 * fails with it; what it could not queue is left to the sweep at once.
 */
import type { Producer } from "../queue/producer.ts";

export interface DirectEnqueue {
  /**
   * Decides before the row is written whether this delivery goes the short way: for how long the row
   * is to be trusted as queued, 0 if it is not to be queued here.
   */
  reserve(): number;
  /** After the row is committed. Returns at once. */
  enqueue(deliveryId: string): void;
  /** Resolves when everything that was handed over is queued or given up. */
  close(): Promise<void>;
}

export interface DirectEnqueueDeps {
  readonly producer: Producer;
  /** Above this depth new deliveries wait in PostgreSQL. */
  readonly limit: number;
  readonly giveBack: (deliveryIds: readonly string[]) => Promise<void>;
  readonly onError: (error: unknown, what: string) => void;
  readonly now?: () => number;
}

/** A queue job that has not run after this is presumed lost; see leaseDueDeliveries. */
export const QUEUE_LEASE_MS = 10_000;

/** After a failure the short way stays closed this long, so that an outage costs next to nothing. */
const PAUSE_AFTER_FAILURE_MS = 1_000;
const DEPTH_STALE_AFTER_MS = 250;
/** One round trip carries at most this many. */
const LARGEST_BATCH = 500;

export function createDirectEnqueue(deps: DirectEnqueueDeps): DirectEnqueue {
  const now = deps.now ?? Date.now;
  let batch: string[] = [];
  const inFlight = new Set<Promise<void>>();
  let depth = 0;
  let depthAskedAt = -Infinity;
  let closedUntil = -Infinity;

  const track = (work: Promise<void>): void => {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  };

  const fail = (error: unknown, what: string): void => {
    closedUntil = now() + PAUSE_AFTER_FAILURE_MS;
    deps.onError(error, what);
  };

  const askDepth = async (): Promise<void> => {
    depthAskedAt = now();
    try {
      depth = await deps.producer.depth();
    } catch (error) {
      fail(error, "the queue did not tell its depth");
    }
  };

  const send = async (ids: readonly string[]): Promise<void> => {
    try {
      await deps.producer.enqueue(ids.map((deliveryId) => ({ deliveryId, delayMs: 0 })));
    } catch (error) {
      fail(error, "the queue took no jobs; the worker's sweep will queue them");
      // If this fails as well, the lease runs out by itself.
      await deps.giveBack(ids).catch((cause: unknown) => deps.onError(cause, "no leases returned"));
    }
  };

  const flush = (): void => {
    const ids = batch;
    batch = [];
    for (let at = 0; at < ids.length; at += LARGEST_BATCH) {
      track(send(ids.slice(at, at + LARGEST_BATCH)));
    }
  };

  return {
    reserve() {
      if (now() < closedUntil) return 0;
      if (now() - depthAskedAt > DEPTH_STALE_AFTER_MS) track(askDepth());
      return depth < deps.limit ? QUEUE_LEASE_MS : 0;
    },
    enqueue(deliveryId) {
      depth++;
      // What arrives in the same turn of the event loop shares a round trip.
      if (batch.push(deliveryId) === 1) setImmediate(flush);
    },
    async close() {
      if (batch.length > 0) flush();
      await Promise.all(inFlight);
    },
  };
}
