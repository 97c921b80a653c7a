/** Folds the deltas of the statistics into their sums; see stat-rollup.ts. */
import { DELTAS_A_STEP, foldStatDeltas } from "@webhook-delivery/shared/db/stat-rollup.ts";
import type { Parts } from "../parts.ts";

export const ROLLUP_EVERY_MS = 1_000;

/** A step at a time, so that a worker that stops need not wait for more. */
export async function rollupOnce({ sql }: Pick<Parts, "sql">): Promise<number> {
  const folded = await foldStatDeltas(sql);
  return folded < DELTAS_A_STEP ? ROLLUP_EVERY_MS : 0;
}
