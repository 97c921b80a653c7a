/**
 * Lets deliveries start at most `ratePerSecond` in any second, over all workers together.
 *
 * Every start has its own place in time, taken from one row in PostgreSQL, so the limit is the same on
 * both queue backends and only a delivery that really starts uses it up (BullMQ's limiter counts every
 * job that becomes active, and its fixed windows let twice the rate through across their edge).
 * A process that dies between taking a place and using it wastes that place.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { takeNextStart } from "@webhook-delivery/shared/db/pace.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";

export interface Pacer {
  /** Resolves at this delivery's place in time. */
  takeTurn(): Promise<void>;
}

export interface PacerDeps {
  readonly sql: Sql;
  /** 0: no limit. */
  readonly ratePerSecond: number;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
}

/**
 * Starts are spread over a little more than a second, since the start on the wire is later than its
 * place by what a claim and a busy machine take, and not always by the same.
 */
const SECOND_WITH_MARGIN_MS = 1_025;
/** Who wakes up later than this lets the place go: a late start would crowd the ones after it. */
const LATEST_START_MS = 15;

export function createPacer({ sql, ratePerSecond, monotonicNow }: PacerDeps): Pacer {
  if (ratePerSecond === 0) return { takeTurn: async () => {} };
  const spacingMs = SECOND_WITH_MARGIN_MS / ratePerSecond;
  return {
    async takeTurn() {
      for (;;) {
        const waitMs = await takeNextStart(sql, spacingMs);
        const startAt = monotonicNow() + waitMs;
        if (waitMs > 0) await sleep(waitMs);
        if (monotonicNow() - startAt <= LATEST_START_MS) return;
      }
    },
  };
}
