/**
 * Rebuilds the queue from the rows. PostgreSQL holds every delivery with its due time; this looks for
 * those that are due (or will be within the horizon) and that no queue is trusted to hold, and queues
 * them, a second of work at a time. First attempts that ingest could not queue, retries, and whatever a
 * flushed or crashed queue lost all come back this way: there is no other.
 *
 * Runs in every worker at once: a lease in the row gives each delivery to one sweep. If the process
 * dies between lease and queue, the lease runs out.
 */
import { queueTarget, sweepRoom } from "@webhook-delivery/shared/core/queue-depth.ts";
import { advanceAllLines } from "@webhook-delivery/shared/db/order.ts";
import { leaseDueDeliveries, returnLeases } from "@webhook-delivery/shared/db/sweep.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { QUEUE_LEASE_MS } from "@webhook-delivery/shared/dispatch/direct-enqueue.ts";
import type { Producer } from "@webhook-delivery/shared/queue/producer.ts";

export interface ReconcilerDeps {
  readonly sql: Sql;
  readonly producer: Producer;
  readonly rateLimitPerSecond: number;
}

export const SWEEP_EVERY_MS = 500;
/** Longer than the time between sweeps, so that a retry is in the queue before it is due. */
export const SWEEP_HORIZON_MS = 1_500;
/** Of a line that ended (its endpoint is no longer ordered, or gone). */
const RELEASED_AT_ONCE = 1_000;
/** While there is more than one sweep takes. */
const BUSY_SWEEP_EVERY_MS = 50;

/** Milliseconds until the next sweep is wanted. */
export async function sweepOnce(deps: ReconcilerDeps): Promise<number> {
  await advanceAllLines(deps.sql, RELEASED_AT_ONCE);
  const target = queueTarget(deps.rateLimitPerSecond);
  const depth = await deps.producer.depth();
  const limit = sweepRoom(depth, target);
  if (limit === 0) return SWEEP_EVERY_MS;
  const due = await leaseDueDeliveries(deps.sql, {
    limit,
    horizonMs: SWEEP_HORIZON_MS,
    leaseMs: QUEUE_LEASE_MS,
  });
  if (due.length === 0) return SWEEP_EVERY_MS;
  try {
    await deps.producer.enqueue(due.map(({ id, delayMs }) => ({ deliveryId: id, delayMs })));
  } catch (error) {
    await returnLeases(
      deps.sql,
      due.map(({ id }) => id),
    );
    throw error;
  }
  return due.length === limit && depth < target ? BUSY_SWEEP_EVERY_MS : SWEEP_EVERY_MS;
}
