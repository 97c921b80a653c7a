/**
 * Takes jobs out of the queue and runs them, `concurrency` at a time. A job is only a hint that a
 * delivery may be due: the row decides, so a job that runs twice or is lost does no harm. Nothing here
 * retries: when `run` throws, the job is gone and the reconciler finds the row.
 */
import { Worker } from "bullmq";
import type { Lane } from "../core/lanes.ts";
import {
  openRedis,
  postgresBackend,
  queueName,
  type JobData,
  type QueueLocation,
} from "./connection.ts";

export interface ConsumerOptions {
  readonly location: QueueLocation;
  readonly lane: Lane;
  readonly concurrency: number;
  readonly run: (deliveryId: string) => Promise<void>;
  /** The queue is out of reach; mended without anyone's help. */
  readonly onError: (error: Error) => void;
  /** `run` threw. */
  readonly onJobFailed: (error: Error) => void;
}

export interface Consumer {
  /** Takes nothing new and resolves when everything in flight is done. */
  close(): Promise<void>;
}

// A blocking wait that a lost wake-up or a flushed queue left behind ends after this.
const DRAIN_DELAY_SECONDS = 2;
// How soon a failed fetch is tried again: BullMQ's 15 s would be the recovery time after an outage.
const FETCH_RETRY_MS = 1_000;
// A stalled job only runs into the row's guard, so any number of stalls is harmless.
const MAX_STALLS = 1_000_000;
const POSTGRES_CONNECTIONS = 4;

/** Rejects when the queue cannot be opened; call again then. */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { worker, end } = openWorker(options);
  worker.on("error", options.onError);
  worker.on("failed", (_job, error) => options.onJobFailed(error));
  try {
    if (options.location.kind === "postgres") await worker.waitUntilReady();
  } catch (error) {
    await worker.close(true).catch(options.onError);
    throw error;
  }
  return {
    async close() {
      await worker.close();
      end();
    },
  };
}

function openWorker({ location, lane, concurrency, run }: ConsumerOptions) {
  const name = queueName(lane);
  const process = (job: { data: JobData }) => run(job.data.deliveryId);
  const common = {
    concurrency,
    drainDelay: DRAIN_DELAY_SECONDS,
    runRetryDelay: FETCH_RETRY_MS,
    maxStalledCount: MAX_STALLS,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  };
  if (location.kind === "redis") {
    const connection = openRedis(location.url, { maxRetriesPerRequest: null });
    const worker = new Worker<JobData, void>(name, process, {
      ...common,
      connection,
      prefix: location.prefix,
    });
    return { worker, end: () => connection.disconnect() };
  }
  const { connection, factory } = postgresBackend(location.url, POSTGRES_CONNECTIONS);
  const worker = new Worker<JobData, void>(
    name,
    process,
    { ...common, connection },
    factory as never,
  );
  return { worker, end: () => {} };
}
