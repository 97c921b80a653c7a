/** Folds the deltas of the statistics into their sums; see stat-rollup.ts. */
import { foldStatDeltas } from "@webhook-delivery/shared/db/stat-rollup.ts";
import type { Parts } from "../parts.ts";

export const ROLLUP_EVERY_MS = 1_000;
/** A step of well under a second, so that a worker that stops need not wait for it. */
const MOST_DELTAS_A_STEP = 5_000;

export async function rollupOnce({ sql }: Pick<Parts, "sql">): Promise<number> {
  const folded = await foldStatDeltas(sql, MOST_DELTAS_A_STEP);
  return folded < MOST_DELTAS_A_STEP ? ROLLUP_EVERY_MS : 0;
}
