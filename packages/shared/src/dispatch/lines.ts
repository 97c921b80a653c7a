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
  if (endpointIds.length === 0) return;
  const queuedForMs = deps.directEnqueue.reserve();
  try {
    const ids = await advanceLines(deps.sql, endpointIds, queuedForMs);
    if (queuedForMs > 0) for (const id of ids) deps.directEnqueue.enqueue(id);
  } catch (error) {
    deps.onSetback(error, "a line was not moved on; the worker's sweep does it");
  }
}
