/**
 * Takes what waits in the outbox: rows that an application has inserted in its own transactions become
 * deliveries. Any number of workers and callers may take at once: each row is taken once, in the order
 * of insertion. When this returns the deliveries are committed and everything that holds for deliveries
 * holds for them.
 */
import { isWaiting } from "../db/outbox.ts";
import { listDueIds } from "../db/outbox-locks.ts";
import { takeBatch, type Batch, type BatchWanted, type OutboxDeps } from "./outbox-batch.ts";
import { CutOffError, passesByItself, requireDatabase } from "./outbox-faults.ts";
import { takeOneByOne } from "./outbox-one-by-one.ts";

/** Rows in one transaction: few enough that others wait for them but a moment. */
export const ROWS_A_TAKE = 100;

export type Taken = Pick<Batch, "taken" | "hasMore">;

/** Up to `limit` rows that are due, or fewer, in their order. */
export async function takeOutbox(
  deps: OutboxDeps,
  wanted: BatchWanted = { limit: ROWS_A_TAKE },
): Promise<Taken> {
  const due = await listDueIds(deps.sql, { ...wanted, limit: 1 });
  if (due.length === 0) return { taken: [], hasMore: false };
  try {
    const { taken, hasMore } = await takeBatch(deps, wanted);
    return { taken, hasMore };
  } catch (error) {
    if (passesByItself(error)) throw error;
    if (error instanceof CutOffError) {
      await requireDatabase(deps.sql);
      deps.onSetback(error, "a take of the outbox was cut off; its rows are taken one by one");
    }
    return takeOneByOne(deps, wanted);
  }
}

/**
 * True: this call took the row. Those that stand before it are taken with it, or it would overtake.
 * While another one takes this waits for nothing: a flood of calls would take all connections.
 */
export async function takeFromOutbox(deps: OutboxDeps, id: string): Promise<boolean> {
  if (!(await isWaiting(deps.sql, id))) return false;
  const { taken } = await takeOutbox(deps, { limit: ROWS_A_TAKE, upToId: id, waits: false });
  return taken.some((one) => one.id === id.toLowerCase());
}
