/**
 * The loop that takes rows of the outbox. A notification makes it begin at once; without one it looks
 * by itself, so that a lost notification costs this wait and nothing else.
 */
import { nextDueInMs } from "@webhook-delivery/shared/db/outbox.ts";
import { takeOutbox } from "@webhook-delivery/shared/dispatch/outbox.ts";
import type { OutboxDeps } from "@webhook-delivery/shared/dispatch/outbox-batch.ts";
import type { Parts } from "../parts.ts";

/** While notifications arrive. */
const FALLBACK_POLL_MS = 2_000;
/** While they do not: leaves most of the second in which a delivery is to start. */
export const POLL_MS = 250;
/** When the next row's time is nearer than that. */
const SHORTEST_WAIT_MS = 50;

export interface TakeParts extends Pick<Parts, "sql" | "log"> {
  readonly config: Pick<
    Parts["config"],
    "ENCRYPTION_KEY" | "MAX_PAYLOAD_BYTES" | "RETRY_SCHEDULE_SECONDS"
  >;
  readonly isListening: () => boolean;
  readonly onTaken: () => void;
}

/** Answers how long to wait. */
export function createTake({ sql, log, config, isListening, onTaken }: TakeParts) {
  const deps: OutboxDeps = {
    sql,
    encryptionKeys: config.ENCRYPTION_KEY,
    maxPayloadBytes: config.MAX_PAYLOAD_BYTES,
    defaultMaxAttempts: config.RETRY_SCHEDULE_SECONDS.length + 1,
    onSetback: (error, what) => log.error({ event: "outbox.setback", err: error }, what),
  };
  return async (): Promise<number> => {
    const { taken, hasMore } = await takeOutbox(deps);
    if (taken.length > 0) {
      onTaken();
      log.info({ event: "outbox.taken", count: taken.length });
    }
    for (const { id, status, lastError } of taken) {
      if (status !== "failed") continue;
      log.warn({ event: "outbox.refused", outboxMessageId: id, reason: lastError });
    }
    if (hasMore) return 0;
    const pollMs = isListening() ? FALLBACK_POLL_MS : POLL_MS;
    const dueInMs = (await nextDueInMs(sql)) ?? pollMs;
    return Math.min(Math.max(dueInMs, SHORTEST_WAIT_MS), pollMs);
  };
}
