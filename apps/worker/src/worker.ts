/**
 * The worker as one thing that starts and stops; no environment, no exit. What is in flight when it
 * must stop for good is given up in the rows, so that another worker takes it up at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import { returnClaim } from "@webhook-delivery/shared/db/returned-claims.ts";
import { removeWorkers } from "@webhook-delivery/shared/db/workers.ts";
import type { Checks } from "@webhook-delivery/shared/health.ts";
import { startLoop, type Loop } from "@webhook-delivery/shared/loop.ts";
import type { WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import type { DeliverDeps } from "./deliver.ts";
import { createFollowUp } from "./follow-up.ts";
import { startBackgroundLoops, type BackgroundLoops } from "./loops/loops.ts";
import { startOutbox, type OutboxWork } from "./outbox/outbox.ts";
import { createParts, OUTAGE_LOG_EVERY_MS, type Parts, type WorkerOptions } from "./parts.ts";
import { SWEEP_EVERY_MS, SWEEP_HORIZON_MS, createSweeper } from "./reconciler.ts";
import { openConsumers } from "./consumers.ts";
import { abandonClaims, createWatch, HEARTBEAT_EVERY_MS } from "./watch.ts";

export interface DeliveryWorker {
  readonly id: string;
  readonly metrics: WorkerMetrics;
  readonly checks: Checks;
  /** Takes nothing new, finishes what is in flight, gives up what is left after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** What a stop takes at most beyond the time it is given for deliveries in flight. */
export const TIDY_UP_MS = 2_000;
const REPORT_EVERY_MS = 60_000;

export async function startWorker(options: WorkerOptions): Promise<DeliveryWorker> {
  const parts = createParts(options);
  const { self, sql, producers, metrics } = parts;
  const watchOnce = createWatch({ ...parts, onRecovered: () => sweep.nudge() });
  // The first heartbeat stands before the first claim, or other workers would not know whose it is.
  await untilDatabaseTakes(watchOnce);

  const watch = startWatchLoop(parts, watchOnce);
  const sweep = startSweepLoop(parts);
  const background = startBackgroundLoops(parts);
  const outbox = startOutbox(parts, () => sweep.nudge());
  const reportTimer = setInterval(() => tellReport(parts), REPORT_EVERY_MS);
  const deps = createDeliverDeps(parts, { sweep, background, outbox });
  const consumers = openConsumers(parts, deps);

  const finish = async (): Promise<void> => {
    await sweep.stop();
    await outbox.stopTaking();
    await consumers.close();
    await background.stop();
    await outbox.stop();
  };
  return {
    id: self.id,
    metrics,
    checks: { database: () => sql`select 1`, queue: () => producers.main.depth() },
    async stop(timeoutMs) {
      consumers.giveUp();
      parts.pacer.stop();
      clearInterval(reportTimer);
      const isFinished = await endsWithin(timeoutMs, finish());
      await endsWithin(TIDY_UP_MS, tidyUp(parts, watch, isFinished));
    },
  };
}

/** The database was there a moment ago; when it is away again this waits as everything else does. */
async function untilDatabaseTakes(write: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      await sleep(HEARTBEAT_EVERY_MS);
    }
  }
}

function startSweepLoop(parts: Parts): Loop {
  const { RATE_LIMIT_PER_SECOND: rateLimitPerSecond, WORKER_CONCURRENCY: concurrency } =
    parts.config;
  const sweeper = createSweeper({ ...parts, rateLimitPerSecond, concurrency });
  return startLoop({
    everyMs: SWEEP_EVERY_MS,
    once: () => sweeper.sweepOnce(),
    onError: parts.onQueueError,
  });
}

function startWatchLoop({ log }: Parts, once: () => Promise<void>): Loop {
  const onError = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
    log.warn({ event: "heartbeat.failed", err: error }, "no heartbeat; trying on"),
  );
  return startLoop({ everyMs: HEARTBEAT_EVERY_MS, once, onError });
}

function tellReport({ log, report, monotonicNow }: Parts): void {
  log.info({ event: "worker.report", ...report.take(monotonicNow()) });
}

interface Loops {
  readonly sweep: Loop;
  readonly background: BackgroundLoops;
  readonly outbox: OutboxWork;
}

function createDeliverDeps(parts: Parts, { sweep, background, outbox }: Loops): DeliverDeps {
  const { config, self } = parts;
  const now = () => new Date();
  return {
    ...parts,
    followUp: createFollowUp({
      ...parts,
      now,
      onDue: () => sweep.nudge(),
      onEvent: () => background.nudge("publish"),
      onOutboxNote: () => outbox.nudgeMirror(),
    }),
    workerId: self.id,
    async returnClaim(claim) {
      await returnClaim(parts.sql, claim);
    },
    encryptionKeys: config.ENCRYPTION_KEY,
    scheduleMs: config.RETRY_SCHEDULE_SECONDS,
    timeoutMs: config.DELIVERY_TIMEOUT_MS,
    responseBodyLimit: config.RESPONSE_BODY_LIMIT,
    now,
    // The sweep that is due anyway comes too late for a short wait.
    onRetryScheduled: (retryAt) => {
      if (retryAt.getTime() - Date.now() < SWEEP_HORIZON_MS) sweep.nudge();
    },
  };
}

async function tidyUp(parts: Parts, watch: Loop, isFinished: boolean): Promise<void> {
  const { log, sql, self, producers, sender } = parts;
  try {
    await watch.stop();
    if (!isFinished) {
      log.warn({ event: "worker.forced" }, "deliveries still in flight are given up");
      await abandonClaims(parts);
    }
    await removeWorkers(sql, [self.id]);
    if (isFinished) await Promise.all([producers.close(), sender.close()]);
  } catch (error) {
    // Other workers find out by themselves: the heartbeat stands still.
    log.warn({ event: "worker.untidy", err: error }, "could not say goodbye");
  }
}

async function endsWithin(timeoutMs: number, work: Promise<void>): Promise<boolean> {
  return Promise.race([work.then(() => true), sleep(timeoutMs, false, { ref: false })]);
}
