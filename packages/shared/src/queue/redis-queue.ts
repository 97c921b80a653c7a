/**
 * The queue on Redis: permits are BullMQ jobs, a wake is a message to a channel. With redis-consumer.ts the
 * only file that knows BullMQ.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Permit } from "../core/permit.ts";
import { redisProblem } from "../core/redis-problem.ts";
import { within } from "../within.ts";
import type { RedisLocation } from "./location.ts";
import type { QueuedPermit, QueueProducer } from "./queue.ts";
import { openRedis } from "./redis.ts";
import { checkRedis } from "./redis-check.ts";
import { createWake } from "./wake.ts";

export const QUEUE_NAME = "webhook-delivery";

export type JobData = Permit;

/** Channels belong to no numbered database: the prefix tells installations apart. */
export function wakeChannel(prefix: string): string {
  return `${prefix}:wake`;
}

const CALL_TIMEOUT_MS = 1_000;
const tooLate = () => new Error("the queue did not answer in time");

/** A finished job leaves nothing behind: the row is the record. */
const KEEP_NOTHING = { removeOnComplete: true, removeOnFail: true } as const;
// Nobody reads BullMQ's event stream here; its default of 10,000 entries is memory for nothing.
const EVENT_STREAM = { streams: { events: { maxLen: 100 } } } as const;

interface OpenQueue {
  readonly queue: Pick<Queue<JobData, void, "deliver">, "addBulk" | "close">;
  readonly connection: Redis;
  readonly prefix: string;
  /** Why it is not connected, or not to the database that was asked for. */
  readonly lastError: () => unknown;
}

export interface RedisProducerOptions {
  /** Hears of lost connections; they are mended without anyone's help. */
  readonly onError: (error: unknown) => void;
  readonly onWarning?: (text: string) => void;
}

export function createRedisProducer(
  location: RedisLocation,
  { onError, onWarning }: RedisProducerOptions,
): QueueProducer {
  let warned: string | undefined;
  let opening: Promise<OpenQueue> | undefined;

  // BullMQ remembers a failed first connection for ever: a queue that did not open is thrown away.
  const ready = async (): Promise<OpenQueue> => {
    opening ??= openQueue(location, onError);
    const current = opening;
    try {
      return await current;
    } catch (error) {
      if (opening === current) opening = undefined;
      throw error;
    }
  };
  const call = <T>(work: (open: OpenQueue) => Promise<T>): Promise<T> =>
    within(CALL_TIMEOUT_MS, ready().then(work), tooLate);

  const check = async ({ connection, prefix, lastError }: OpenQueue) => {
    const error = lastError();
    if (connection.status !== "ready" || error !== undefined) {
      return redisProblem([error], { prefix });
    }
    const names = { prefix, queueName: QUEUE_NAME, channel: wakeChannel(prefix) };
    const { problem, warning } = await checkRedis(connection, names);
    if (problem !== undefined) return problem;
    if (warning !== undefined && warning !== warned) onWarning?.(warning);
    warned = warning;
    return undefined;
  };

  const wake = createWake(
    () => call(({ connection, prefix }) => connection.publish(wakeChannel(prefix), "")),
    // What wakes nobody is found by the next round.
    onError,
  );
  return {
    enqueue: (permits) => call(async ({ queue }) => void (await queue.addBulk(permits.map(toJob)))),
    wake,
    async check() {
      try {
        await location.prefix();
      } catch {
        return "The queue's name is kept in PostgreSQL, which does not give it: mend the database first.";
      }
      return call(check).catch((error: unknown) => redisProblem([error]));
    },
    hasLostEverything: () =>
      call(async ({ connection, prefix }) => {
        // Gone with everything else when Redis is emptied.
        return (await connection.set(`${prefix}:has-data`, "1", "NX")) === "OK";
      }),
    async close() {
      await wake.idle();
      const open = await opening?.catch(() => undefined);
      if (open === undefined) return;
      await open.queue.close();
      // A connection that was handed in is ours to end.
      open.connection.disconnect();
    },
  };
}

function toJob({ deliveryId, destinationKey, kind, delayMs }: QueuedPermit) {
  return {
    name: "deliver" as const,
    data: { deliveryId, destinationKey, kind },
    opts: delayMs > 0 ? { delay: Math.ceil(delayMs) } : {},
  };
}

async function openQueue(
  location: RedisLocation,
  onError: (error: unknown) => void,
): Promise<OpenQueue> {
  const prefix = await location.prefix();
  const connection = openRedis(location.url, {
    // Without all of these a command waits for the connection instead of failing.
    enableOfflineQueue: false,
    // Nor does it wait here until Redis has loaded its data: each command is told so.
    enableReadyCheck: false,
    maxRetriesPerRequest: 1,
    commandTimeout: CALL_TIMEOUT_MS,
  });
  const lastError = followErrors(connection);
  const queue = new Queue<JobData, void, "deliver">(QUEUE_NAME, {
    connection,
    prefix,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    defaultJobOptions: KEEP_NOTHING,
    ...EVENT_STREAM,
  });
  // The first calls wait for the connection that is being made; without it they would all fail.
  const firstTry = once(connection, "ready").catch(onError);
  queue.on("error", onError);
  try {
    await queue.waitUntilReady();
    await Promise.race([firstTry, sleep(CALL_TIMEOUT_MS, undefined, { ref: false })]);
    return { queue, connection, prefix, lastError };
  } catch (error) {
    await queue.close().catch(onError);
    connection.disconnect();
    throw error;
  }
}

/**
 * What went wrong since it was last well connected. ioredis says that it is ready also when the numbered
 * database was refused, and goes on in another one.
 */
function followErrors(connection: Redis): () => unknown {
  let lastError: unknown;
  let isClean = true;
  connection.on("connect", () => (isClean = true));
  connection.on("error", (error) => {
    lastError = error;
    isClean = false;
  });
  connection.on("ready", () => {
    if (isClean) lastError = undefined;
  });
  return () => lastError;
}
