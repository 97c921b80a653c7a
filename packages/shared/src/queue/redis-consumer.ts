/** Takes permits out of the queue on Redis and runs them. Nothing here retries: a lost job's lease expires. */
import { Worker } from "bullmq";
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
  const worker = new Worker<JobData, void>(QUEUE_NAME, (job) => runner.run(job.data), {
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
  subscriber.on("error", onError);
  subscriber.on("message", onWake);
  // What was published while it was away was heard by nobody.
  subscriber.on("ready", onWake);
  void subscriber.subscribe(wakeChannel(prefix)).catch(onError);
  return {
    async close() {
      subscriber.disconnect();
      await worker.close();
      connection.disconnect();
    },
  };
}
