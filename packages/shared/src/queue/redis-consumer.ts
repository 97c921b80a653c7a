/** Takes permits out of the queue on Redis and runs them. Nothing here retries: a lost job's lease expires. */
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "bullmq";
import type { Redis } from "ioredis";
import { redisProblem } from "../core/redis-problem.ts";
import type { ConsumerOptions, QueueConsumer } from "./queue.ts";
import { openRedis } from "./redis.ts";
import type { RedisLocation } from "./location.ts";
import { QUEUE_NAME, wakeChannel, type JobData } from "./redis-queue.ts";

// A blocking wait that a lost wake-up or a flushed queue left behind ends after this.
const DRAIN_DELAY_SECONDS = 2;
// How soon a failed fetch is tried again: BullMQ's 15 s would be the recovery time after an outage.
const FETCH_RETRY_MS = 1_000;
// A stalled job finds its lease used, so any number of stalls is harmless.
const MAX_STALLS = 1_000_000;

/** However long Redis takes to be there. Rejects while the location's prefix cannot be known. */
export async function startRedisConsumer(
  location: RedisLocation,
  { runner, onWake, onError }: ConsumerOptions,
): Promise<QueueConsumer> {
  const prefix = await location.prefix();
  const connection = openRedis(location.url, { maxRetriesPerRequest: null });
  const subscriber = openRedis(location.url, { maxRetriesPerRequest: null });
  let lastError: unknown;
  let worker: Worker<JobData, void> | undefined;
  const closing = new AbortController();
  const subscribe = () => subscriber.subscribe(wakeChannel(prefix));

  connection.on("error", onError);
  connection.on("error", (error) => (lastError = error));
  subscriber.on("error", onError);
  subscriber.on("message", onWake);
  // What was published while it was away was heard by nobody.
  subscriber.on("ready", onWake);
  void subscribe().catch(onError);

  const startWorking = async (): Promise<void> => {
    await untilInfo(connection, closing.signal, (error) => {
      lastError = error;
      onError(error);
    });
    if (closing.signal.aborted) return;
    lastError = undefined;
    worker = new Worker<JobData, void>(QUEUE_NAME, (job) => runner.run(job.data), {
      connection,
      prefix,
      concurrency: runner.slots,
      drainDelay: DRAIN_DELAY_SECONDS,
      runRetryDelay: FETCH_RETRY_MS,
      maxStalledCount: MAX_STALLS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    worker.on("error", onError);
  };
  const working = startWorking();

  return {
    async check() {
      if (worker === undefined) return redisProblem([lastError], { prefix });
      if (subscriber.status !== "ready") return undefined;
      // Again, because rights that were missing before may have been granted.
      return subscribe().then(
        () => undefined,
        (error: unknown) => redisProblem([error], { prefix }),
      );
    },
    async close() {
      closing.abort();
      subscriber.disconnect();
      if (worker === undefined) connection.disconnect();
      await working;
      await worker?.close();
      connection.disconnect();
    },
  };
}

/** BullMQ asks for INFO first, and a worker of its that is refused never works again. */
async function untilInfo(
  connection: Redis,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await connection.info();
      return;
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
    }
    await sleep(FETCH_RETRY_MS, undefined, { signal }).catch(() => {});
  }
}
