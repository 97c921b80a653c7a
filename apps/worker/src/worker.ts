/**
 * The worker as one thing that starts and stops; no environment, no exit. What is in flight when it
 * must stop for good is given up in the rows, so that another worker takes it up at once.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "@webhook-delivery/shared/config.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { removeWorkers } from "@webhook-delivery/shared/db/workers.ts";
import { createSender } from "@webhook-delivery/shared/http/sender.ts";
import type { Checks } from "@webhook-delivery/shared/health.ts";
import { createWorkerMetrics, type WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { startLoop } from "@webhook-delivery/shared/loop.ts";
import type { QueueLocation } from "@webhook-delivery/shared/queue/connection.ts";
import { startConsumer, type Consumer } from "@webhook-delivery/shared/queue/consumer.ts";
import { createProducer } from "@webhook-delivery/shared/queue/producer.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { createClaims } from "./claims.ts";
import { deliver, type DeliverDeps } from "./deliver.ts";
import { createPacer } from "./pacer.ts";
import { SWEEP_EVERY_MS, SWEEP_HORIZON_MS, sweepOnce } from "./reconciler.ts";
import { createReport } from "./report.ts";
import { abandonClaims, createWatch, HEARTBEAT_EVERY_MS, type WatchDeps } from "./watch.ts";

export interface WorkerOptions {
  readonly config: Config<"worker">;
  readonly sql: Sql;
  readonly location: QueueLocation;
  readonly log: Logger;
}

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
const OPEN_QUEUE_RETRY_MS = 1_000;
const OUTAGE_LOG_EVERY_MS = 5_000;

export async function startWorker(options: WorkerOptions): Promise<DeliveryWorker> {
  const { config, sql, location, log } = options;
  const monotonicNow = () => performance.now();
  const now = () => new Date();
  const complain = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
    log.warn({ event: "queue.unavailable", err: error }, "the queue is not reachable; trying on"),
  );

  const workerId = randomUUID();
  const claims = createClaims();
  const metrics = createWorkerMetrics(() => claims.list().length);
  const report = createReport(monotonicNow());
  const producer = createProducer(location, complain);
  const sender = createSender({
    allowedCidrs: config.ALLOWED_PRIVATE_CIDRS,
    requireHttps: config.REQUIRE_HTTPS,
    responseBodyLimit: config.RESPONSE_BODY_LIMIT,
  });
  const watchDeps: WatchDeps = {
    sql,
    self: { id: workerId, hostname: hostname(), version: VERSION },
    claims,
    log,
    monotonicNow,
    onRecovered: () => sweep.nudge(),
  };
  const watchOnce = createWatch(watchDeps);
  // The first heartbeat stands before the first claim, or other workers would not know whose it is.
  await watchOnce();

  const reconcilerDeps = { sql, producer, rateLimitPerSecond: config.RATE_LIMIT_PER_SECOND };
  const sweep = startLoop({
    everyMs: SWEEP_EVERY_MS,
    once: () => sweepOnce(reconcilerDeps),
    onError: complain,
  });
  const watch = startLoop({
    everyMs: HEARTBEAT_EVERY_MS,
    once: watchOnce,
    onError: throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
      log.warn({ event: "heartbeat.failed", err: error }, "no heartbeat; trying on"),
    ),
  });
  const reportTimer = setInterval(
    () => log.info({ event: "worker.report", ...report.take(monotonicNow()) }),
    REPORT_EVERY_MS,
  );

  const deliverDeps: DeliverDeps = {
    sql,
    sender,
    pacer: createPacer({ sql, ratePerSecond: config.RATE_LIMIT_PER_SECOND, monotonicNow }),
    claims,
    report,
    metrics,
    log,
    workerId,
    encryptionKeys: config.ENCRYPTION_KEY,
    scheduleMs: config.RETRY_SCHEDULE_SECONDS,
    timeoutMs: config.DELIVERY_TIMEOUT_MS,
    now,
    // The sweep that is due anyway comes too late for a short wait.
    onRetryScheduled: (retryAt) => {
      if (retryAt.getTime() - Date.now() < SWEEP_HORIZON_MS) sweep.nudge();
    },
  };
  const opened = openConsumer(options, (deliveryId) => deliver(deliverDeps, deliveryId), complain);

  const finish = async (): Promise<void> => {
    await sweep.stop();
    await (await opened.consumer)?.close();
  };

  // Other workers find out by themselves when this cannot be said: the heartbeat stands still.
  const tidyUp = async (isFinished: boolean): Promise<void> => {
    try {
      await watch.stop();
      if (!isFinished) await abandonClaims(watchDeps);
      await removeWorkers(sql, [workerId]);
      if (isFinished) await Promise.all([producer.close(), sender.close()]);
    } catch (error) {
      log.warn({ event: "worker.untidy", err: error }, "could not say goodbye");
    }
  };

  return {
    id: workerId,
    metrics,
    checks: { database: () => sql`select 1`, queue: () => producer.depth() },
    async stop(timeoutMs) {
      opened.giveUp();
      clearInterval(reportTimer);
      const isFinished = await Promise.race([
        finish().then(() => true),
        sleep(timeoutMs, false, { ref: false }),
      ]);
      if (!isFinished) {
        log.warn({ event: "worker.forced" }, "deliveries still in flight are given up");
      }
      await Promise.race([tidyUp(isFinished), sleep(TIDY_UP_MS, undefined, { ref: false })]);
    },
  };
}

/** Opens the consumer, however long the queue takes to be there. */
function openConsumer(
  { config, location }: WorkerOptions,
  run: (deliveryId: string) => Promise<void>,
  onError: (error: unknown) => void,
): { readonly consumer: Promise<Consumer | undefined>; giveUp(): void } {
  const givenUp = new AbortController();
  const open = async (): Promise<Consumer | undefined> => {
    while (!givenUp.signal.aborted) {
      try {
        const concurrency = config.WORKER_CONCURRENCY;
        return await startConsumer({ location, concurrency, run, onError });
      } catch (error) {
        onError(error);
        await sleep(OPEN_QUEUE_RETRY_MS);
      }
    }
    return undefined;
  };
  return { consumer: open(), giveUp: () => givenUp.abort() };
}
