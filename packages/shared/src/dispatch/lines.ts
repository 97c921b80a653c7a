/** Moves ordered endpoints on after something was added to their lines, or ended in them. */
import { advanceLines } from "../db/order.ts";
import type { Sql } from "../db/client.ts";
import type { DirectEnqueue } from "./direct-enqueue.ts";

export interface LineDeps {
  readonly sql: Sql;
  readonly directEnqueue: DirectEnqueue;
  /** What went wrong and will be made up for by itself. */
  readonly onSetback: (error: unknown, what: string) => void;
}

/**
 * To be called after the commit. It fails nothing: if it cannot be done now, or the process dies before
 * it, the workers' sweep moves the lines on.
 */
export async function moveLinesOn(deps: LineDeps, endpointIds: readonly string[]): Promise<void> {
  for (const endpointId of endpointIds) {
    try {
      const queued = await deps.directEnqueue.reserve(endpointId);
      const ids = await advanceLines(deps.sql, [endpointId], queued);
      if (queued !== null) for (const id of ids) deps.directEnqueue.enqueue(id, queued.lane);
    } catch (error) {
      deps.onSetback(error, "a line was not moved on; the worker's sweep does it");
    }
  }
}
