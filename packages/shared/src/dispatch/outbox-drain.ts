/** Takes everything that is due in the outbox, for a bounded time, and tells what became of it so far. */
import { setTimeout as sleep } from "node:timers/promises";
import { countStanding, countWaiting } from "../db/outbox-counts.ts";
import { takeOutbox } from "./outbox.ts";
import type { OutboxDeps } from "./outbox-batch.ts";

export interface DrainTimes {
  /** No batch begins after it. */
  readonly takeForMs: number;
  /** So long the first attempts of what was taken are waited for. */
  readonly settleForMs: number;
}

export interface Drained {
  /** Rows that this call took. */
  readonly processed: number;
  /** Of those, how they stand by now. */
  readonly sent: number;
  readonly failed: number;
  /** Rows that are due and not taken, counted up to 10,000. */
  readonly remaining: number;
}

const LOOK_EVERY_MS = 100;

export async function drainOutbox(deps: OutboxDeps, times: DrainTimes): Promise<Drained> {
  const ids = await takeFor(deps, times.takeForMs);
  const settleUntil = performance.now() + times.settleForMs;
  let standing = await countStanding(deps.sql, ids);
  while (standing.untried > 0 && performance.now() < settleUntil) {
    await sleep(LOOK_EVERY_MS);
    standing = await countStanding(deps.sql, ids);
  }
  const { due } = await countWaiting(deps.sql);
  return { processed: ids.length, sent: standing.sent, failed: standing.failed, remaining: due };
}

async function takeFor(deps: OutboxDeps, forMs: number): Promise<string[]> {
  const until = performance.now() + forMs;
  const ids: string[] = [];
  for (;;) {
    const { taken, hasMore } = await takeOutbox(deps);
    for (const { id } of taken) ids.push(id);
    if (!hasMore || performance.now() >= until) return ids;
  }
}
