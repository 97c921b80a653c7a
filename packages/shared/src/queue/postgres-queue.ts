/**
 * The queue without Redis: the leases in PostgreSQL are all there is. A worker takes them in batches, woken
 * by NOTIFY where it is heard, and by looking where a pooler swallows it. What it needs of the database
 * comes as functions (packages/shared/src/db/leases.ts).
 */
import type { Permit } from "../core/permit.ts";
import { startLoop } from "../loop.ts";
import type { ConsumerOptions, QueueConsumer, QueueProducer } from "./queue.ts";
import { createWake } from "./wake.ts";

/** Heard by the schedulers: something waits. */
export const WAITING_CHANNEL = "webhook_deliveries_waiting";
/** Heard by the workers: leases were granted. */
export const LEASED_CHANNEL = "webhook_deliveries_leased";

export interface PostgresProducerDeps {
  readonly notify: (channel: string) => Promise<unknown>;
  readonly onError: (error: unknown) => void;
  /** The consumer of this process, which need not wait for the notification. */
  readonly onLeased?: () => void;
}

export function createPostgresProducer(deps: PostgresProducerDeps): QueueProducer {
  const { notify, onError, onLeased } = deps;
  const wake = createWake(() => notify(WAITING_CHANNEL), onError);
  const tellOthers = createWake(() => notify(LEASED_CHANNEL), onError);
  return {
    // The leases are committed already.
    async enqueue() {
      onLeased?.();
      tellOthers();
    },
    wake,
    // It is the database, which has a check of its own.
    check: async () => undefined,
    hasLostEverything: async () => false,
    async close() {
      await Promise.all([wake.idle(), tellOthers.idle()]);
    },
  };
}

export interface PostgresConsumerDeps {
  readonly take: (limit: number) => Promise<readonly Permit[]>;
  /** Until the next lease may start; undefined: there is none. */
  readonly nextStartInMs: () => Promise<number | undefined>;
}

export interface PostgresConsumer extends QueueConsumer {
  /** There may be leases to take. */
  nudge(): void;
}

/** So many at most in one statement, so that several workers share a burst. */
const BATCH = 100;
/** Without a notification. */
const POLL_MS = 250;
const SHORTEST_WAIT_MS = 2;

export function startPostgresConsumer(
  { take, nextStartInMs }: PostgresConsumerDeps,
  { runner, onError }: Omit<ConsumerOptions, "onWake">,
): PostgresConsumer {
  let isFull = false;

  const start = async (permit: Permit): Promise<void> => {
    await runner.run(permit);
    if (isFull) loop.nudge();
  };

  const loop = startLoop({
    everyMs: POLL_MS,
    onError,
    async once() {
      const limit = Math.min(BATCH, runner.room());
      isFull = limit <= 0;
      if (isFull) return POLL_MS;
      const permits = await take(limit);
      for (const permit of permits) void start(permit);
      if (permits.length === limit) return 0;
      const inMs = (await nextStartInMs()) ?? POLL_MS;
      return Math.min(Math.max(inMs, SHORTEST_WAIT_MS), POLL_MS);
    },
  });

  return {
    nudge: () => loop.nudge(),
    check: async () => undefined,
    async close() {
      await loop.stop();
      await runner.idle();
    },
  };
}
