/** Moves ordered endpoints on after something was added to their lines, or ended in them. */
import { advanceLines } from "../db/order.ts";
import type { Sql } from "../db/client.ts";

export interface LineDeps {
  readonly sql: Sql;
  /** Tells the scheduler that something waits; to be called after the commit. See queue/queue.ts. */
  readonly wake: () => void;
  /** What went wrong and will be made up for by itself. */
  readonly onSetback: (error: unknown, what: string) => void;
}

/**
 * To be called after the commit; wakes the scheduler. It fails nothing: if it cannot be done now, or the
 * process dies before it, the scheduler moves the lines on.
 */
export async function moveLinesOn(deps: LineDeps, endpointIds: readonly string[]): Promise<void> {
  try {
    if (endpointIds.length > 0) await advanceLines(deps.sql, endpointIds);
  } catch (error) {
    deps.onSetback(error, "a line was not moved on; the scheduler does it");
  }
  deps.wake();
}
