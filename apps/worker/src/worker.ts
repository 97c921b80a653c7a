/**
 * The worker as one thing that starts and stops; no environment, no exit. What is in flight when it
 * must stop for good is given up in the rows, so that another worker takes it up at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import { removeWorkers } from "@webhook-delivery/shared/db/workers.ts";
import { startLoop, type Loop } from "@webhook-delivery/shared/loop.ts";
import type { WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import type { QueueProducer } from "@webhook-delivery/shared/queue/queue.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { startDeliveries } from "./deliveries.ts";
import { startBackgroundLoops } from "./loops/loops.ts";
import { createParts, OUTAGE_LOG_EVERY_MS, type Parts, type WorkerOptions } from "./parts.ts";
import { abandonClaims, createWatch, HEARTBEAT_EVERY_MS } from "./watch.ts";

export interface DeliveryWorker {
  readonly id: string;
  readonly metrics: WorkerMetrics;
  /** Undefined, or what keeps it from being used, in a sentence that names the mend. */
  checkQueue(): Promise<string | undefined>;
  /** Takes nothing new, finishes what is in flight, gives up what is left after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** What a stop takes at most beyond the time it is given for deliveries in flight. */
export const TIDY_UP_MS = 2_000;
const REPORT_EVERY_MS = 60_000;

export async function startWorker(options: WorkerOptions): Promise<DeliveryWorker> {
  const parts = createParts(options);
  const { self, metrics } = parts;
  const watchOnce = createWatch({ ...parts, onRecovered: () => deliveries.nudge() });
  // The first heartbeat stands before the first claim, or other workers would not know whose it is.
  await untilDatabaseTakes(watchOnce);

  const watch = startWatchLoop(parts, watchOnce);
  const background = startBackgroundLoops(parts);
  const deliveries = startDeliveries(parts, { onEvent: () => background.nudge("publish") });
  const reportTimer = setInterval(() => logReport(parts), REPORT_EVERY_MS);

  const finish = async (): Promise<void> => {
    await deliveries.stop();
    await background.stop();
  };
  return {
    id: self.id,
    metrics,
    checkQueue: () => deliveries.checkQueue(),
    async stop(timeoutMs) {
      parts.rateLimiter.stop();
      clearInterval(reportTimer);
      const isFinished = await endsWithin(timeoutMs, finish());
      await endsWithin(
        TIDY_UP_MS,
        tidyUp(parts, { watch, producer: deliveries.producer }, isFinished),
      );
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

function startWatchLoop({ log }: Parts, once: () => Promise<void>): Loop {
  const onError = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
    log.warn({ event: "heartbeat.failed", err: error }, "no heartbeat; trying on"),
  );
  return startLoop({ everyMs: HEARTBEAT_EVERY_MS, once, onError });
}

function logReport({ log, report, monotonicNow }: Parts): void {
  log.info({ event: "worker.report", ...report.take(monotonicNow()) });
}

interface Running {
  readonly watch: Loop;
  readonly producer: QueueProducer;
}

async function tidyUp(
  parts: Parts,
  { watch, producer }: Running,
  isFinished: boolean,
): Promise<void> {
  const { log, sql, self, sender } = parts;
  try {
    await watch.stop();
    if (!isFinished) {
      log.warn({ event: "worker.forced" }, "deliveries still in flight are given up");
      await abandonClaims(parts);
    }
    await removeWorkers(sql, [self.id]);
    if (isFinished) await Promise.all([producer.close(), sender.close()]);
  } catch (error) {
    // Other workers find out by themselves: the heartbeat stands still.
    log.warn({ event: "worker.untidy", err: error }, "could not say goodbye");
  }
}

async function endsWithin(timeoutMs: number, work: Promise<void>): Promise<boolean> {
  return Promise.race([work.then(() => true), sleep(timeoutMs, false, { ref: false })]);
}
