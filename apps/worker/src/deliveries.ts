/**
 * The road inside a worker, joined: the scheduler grants permits, the queue carries them, the consumer runs
 * them (deliver.ts), and what came of them wakes the scheduler again. Beside it the outbox, which makes
 * deliveries, and the listener, which hears of both.
 */
import { slotsOf } from "@webhook-delivery/shared/core/capacity.ts";
import { OUTBOX_CHANNEL } from "@webhook-delivery/shared/core/outbox.ts";
import { createAttemptRecorder } from "@webhook-delivery/shared/db/attempts.ts";
import { createClaimer } from "@webhook-delivery/shared/db/claims.ts";
import { nextStartInMs, takeLeases } from "@webhook-delivery/shared/db/leases.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import { startLoop } from "@webhook-delivery/shared/loop.ts";
import {
  LEASED_CHANNEL,
  startPostgresConsumer,
  WAITING_CHANNEL,
  type PostgresConsumer,
} from "@webhook-delivery/shared/queue/postgres-queue.ts";
import type { QueueConsumer, QueueProducer } from "@webhook-delivery/shared/queue/queue.ts";
import { createRunner } from "@webhook-delivery/shared/queue/runner.ts";
import { startRedisConsumer } from "@webhook-delivery/shared/queue/redis-consumer.ts";
import { createDestinationHealthRecorder } from "./destination-health.ts";
import { deliver, type DeliverDeps } from "./deliver.ts";
import { createForeignPermitWatch } from "./foreign-permits.ts";
import { createFollowUp } from "./follow-up.ts";
import { createKeyedLimit } from "./keyed-limit.ts";
import { createListener } from "./listener.ts";
import { startOutbox } from "./outbox/outbox.ts";
import type { Parts } from "./parts.ts";
import { logAttempt } from "./log-attempt.ts";
import { createScheduler, SCHEDULE_EVERY_MS } from "./scheduler.ts";

export interface Deliveries {
  readonly producer: QueueProducer;
  /** Undefined, or what keeps the queue from being used, in a sentence that names the mend. */
  checkQueue(): Promise<string | undefined>;
  /** Something waits for the scheduler. */
  nudge(): void;
  /** Takes nothing new and resolves when everything in flight is done. */
  stop(): Promise<void>;
}

/** They start one after the other (rate-limiter.ts): one is claimed while another waits for its start. */
const TRIALS_STARTING = 2;
/** While no notification can wake the scheduler. */
const POLL_MS = 100;
/** So that rounds that are asked for on and on leave the database most of its time. */
const SHORTEST_REST_MS = 2;
const LONGEST_REST_MS = 20;

export function startDeliveries(
  parts: Parts,
  { onEvent }: { readonly onEvent: () => void },
): Deliveries {
  const { sql, location, config, onQueueError } = parts;
  const concurrency = config.WORKER_CONCURRENCY;
  const { normal, low } = slotsOf(concurrency);
  const producer = createProducer({
    ...parts,
    onError: onQueueError,
    onWarning: (text) => parts.log.warn({ event: "queue.evicts" }, text),
    onLeased: () => postgresConsumer?.nudge(),
  });
  const runner = createRunner({
    slots: normal + low,
    run: (permit) => deliver(deps, permit),
    onFailed: parts.onRunFailed,
  });
  const scheduler = createScheduler({
    ...parts,
    workerId: parts.self.id,
    producer,
    runner,
    capacity: { concurrency, rateLimitPerSecond: config.RATE_LIMIT_PER_SECOND },
  });
  const scheduling = startLoop({
    everyMs: SCHEDULE_EVERY_MS,
    restMs: (tookMs) => Math.min(Math.max(tookMs / 2, SHORTEST_REST_MS), LONGEST_REST_MS),
    async once() {
      const nextMs = await scheduler.scheduleOnce();
      const hearsWakes = location.kind === "redis" || listener.isListening();
      return hearsWakes ? nextMs : Math.min(nextMs, POLL_MS);
    },
    onError: onQueueError,
  });
  const nudge = (): void => (scheduler.isFollowing() ? producer.wake() : scheduling.nudge());

  const listener = createListener(parts, {
    [OUTBOX_CHANNEL]: () => outbox.nudgeTake(),
    ...(location.kind === "postgres" && {
      [WAITING_CHANNEL]: () => scheduling.nudge(),
      [LEASED_CHANNEL]: () => postgresConsumer?.nudge(),
    }),
  });
  const outbox = startOutbox(parts, listener, nudge);
  listener.start();

  const hasRateLimit = config.RATE_LIMIT_PER_SECOND > 0;
  const limits = {
    inFlight: createKeyedLimit(concurrency),
    starting: {
      normal: createKeyedLimit(hasRateLimit ? concurrency : Infinity),
      trial: createKeyedLimit(hasRateLimit ? TRIALS_STARTING : Infinity),
    },
  };
  const deps = createDeliverDeps(parts, limits, {
    nudge,
    onEvent,
    onOutboxChange: () => outbox.nudgeMirror(),
  });
  const consumerOptions = { runner, onWake: () => scheduling.nudge(), onError: onQueueError };
  let postgresConsumer: PostgresConsumer | undefined;
  const starting: Promise<QueueConsumer> | QueueConsumer =
    location.kind === "redis"
      ? startRedisConsumer(location, consumerOptions)
      : (postgresConsumer = startPostgresConsumer(
          {
            take: (limit) => takeLeases(sql, { workerId: parts.self.id, limit }),
            nextStartInMs: () => nextStartInMs(sql),
          },
          consumerOptions,
        ));

  return {
    producer,
    async checkQueue() {
      return (await producer.check()) ?? (await (await starting).check());
    },
    nudge,
    async stop() {
      limits.inFlight.stop();
      limits.starting.normal.stop();
      limits.starting.trial.stop();
      await scheduling.stop();
      await Promise.all([outbox.stopTaking(), listener.stop()]);
      await (await starting).close();
      await runner.idle();
      await outbox.stop();
    },
  };
}

interface Signals {
  readonly nudge: () => void;
  readonly onEvent: () => void;
  readonly onOutboxChange: () => void;
}

function createDeliverDeps(
  parts: Parts,
  limits: Pick<DeliverDeps["start"], "inFlight" | "starting">,
  { nudge, onEvent, onOutboxChange }: Signals,
): DeliverDeps {
  const { config, sql, self } = parts;
  const now = () => new Date();
  return {
    start: {
      ...parts,
      ...limits,
      claimer: createClaimer(sql, self.id),
      onRefused: createForeignPermitWatch(parts),
    },
    attempt: {
      ...parts,
      now,
      health: createDestinationHealthRecorder({ ...parts, onBetter: nudge }),
      encryptionKeys: config.ENCRYPTION_KEY,
      timeoutMs: config.DELIVERY_TIMEOUT_MS,
      scheduleMs: config.RETRY_SCHEDULE_SECONDS,
      responseBodyLimit: config.RESPONSE_BODY_LIMIT,
    },
    end: {
      ...parts,
      now,
      recorder: createAttemptRecorder(sql),
      followUp: createFollowUp({
        ...parts,
        now,
        onDue: nudge,
        onEvent,
        onOutboxNote: onOutboxChange,
      }),
      onRecorded(claim, record, isSettled) {
        logAttempt(parts, claim, record, isSettled);
        const retryAt = record.next.status === "pending" ? record.next.retryAt : null;
        // The round that comes anyway may come too late for a short wait.
        const isDueSoon = retryAt !== null && retryAt.getTime() - Date.now() < SCHEDULE_EVERY_MS;
        // Its destination may have another one, now that this one is done.
        const madeRoom =
          claim.permit !== "normal" || (claim.endpoint?.maxInFlight ?? null) !== null;
        if (isDueSoon || madeRoom) nudge();
      },
    },
  };
}
