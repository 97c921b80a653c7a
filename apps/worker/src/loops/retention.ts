/**
 * Keeps the tables at RETENTION_DAYS: see packages/shared/src/db/retention.ts. Rests as long as it
 * works, so that it takes at most half of one connection's time; measured in docs/statistics.md.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { removeOutboxMessages } from "@webhook-delivery/shared/db/outbox-retention.ts";
import {
  removeDeliveries,
  removeEvents,
  removeReplays,
  type Removal,
} from "@webhook-delivery/shared/db/retention.ts";
import type { Parts } from "../parts.ts";

export const RETENTION_EVERY_MS = 60_000;
const MS_PER_DAY = 86_400_000;
/** A worker that stops waits for it. */
const SLICE_MS = 1_000;

/** 0: there is more to remove. */
export async function retentionOnce({ sql, config, log }: RetentionParts): Promise<number> {
  if (config.RETENTION_DAYS === 0) return RETENTION_EVERY_MS;
  const removal: Removal = {
    olderThanMs: config.RETENTION_DAYS * MS_PER_DAY,
    takesTurns: true,
  };
  const deliveries = await slice(removeDeliveries(sql, removal));
  // Only then are there events whose deliveries are gone.
  const events = deliveries.isWhole ? await slice(removeEvents(sql, removal)) : NOTHING_YET;
  const replays = await removeReplays(sql, removal);
  const outbox = await slice(removeOutboxMessages(sql, removal));
  const removed = {
    deliveries: deliveries.removed,
    events: events.removed,
    replays,
    outboxMessages: outbox.removed,
  };
  if (Object.values(removed).some((count) => count > 0)) {
    log.info({ event: "retention.removed", ...removed });
  }
  return [deliveries, events, outbox].every(({ isWhole }) => isWhole) ? RETENTION_EVERY_MS : 0;
}

const NOTHING_YET = { removed: 0, isWhole: false };

export interface RetentionParts extends Pick<Parts, "sql" | "log"> {
  readonly config: Pick<Parts["config"], "RETENTION_DAYS">;
}

/** Steps until time is up; but always up to something to remove, or old rows that stay would block. */
async function slice(
  steps: AsyncGenerator<number>,
): Promise<{ removed: number; isWhole: boolean }> {
  const endAt = performance.now() + SLICE_MS;
  let removed = 0;
  let startedAt = performance.now();
  for await (const count of steps) {
    removed += count;
    const endedAt = performance.now();
    if (endedAt >= endAt && removed > 0) return { removed, isWhole: false };
    await sleep(endedAt - startedAt);
    startedAt = performance.now();
  }
  return { removed, isWhole: true };
}
