/**
 * Puts jobs into the queue. Every call ends within about a second, with an error when the queue is
 * down, frozen or not there yet; the caller has the rows and loses nothing by that.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import type { Lane } from "../core/lanes.ts";
import { within } from "../within.ts";
import {
  EVENT_STREAM,
  KEEP_NOTHING,
  openRedis,
  postgresBackend,
  queueName,
  type JobData,
  type QueueLocation,
} from "./connection.ts";

export interface QueueJob {
  readonly deliveryId: string;
  /** 0: at once. */
  readonly delayMs: number;
}

export interface Producer {
  enqueue(jobs: readonly QueueJob[]): Promise<void>;
  /** Jobs that wait for a worker, without the delayed ones. */
  depth(): Promise<number>;
  close(): Promise<void>;
}

const CALL_TIMEOUT_MS = 1_000;
const tooLate = () => new Error("the queue did not answer in time");
const POSTGRES_CONNECTIONS = 2;

type DeliveryQueue = Pick<
  Queue<JobData, void, "deliver">,
  "addBulk" | "getWaitingCount" | "waitUntilReady" | "close"
>;
interface OpenQueue {
  readonly queue: DeliveryQueue;
  readonly end: () => Promise<void>;
}

/** `onError` hears of lost connections; they are mended without anyone's help. */
export function createProducer(
  location: QueueLocation,
  lane: Lane,
  onError: (error: Error) => void,
): Producer {
  let opening: Promise<OpenQueue> | undefined;

  // BullMQ remembers a failed first connection for ever: a queue that did not open is thrown away.
  const ready = async (): Promise<DeliveryQueue> => {
    opening ??= openQueue(location, queueName(lane), onError);
    const current = opening;
    try {
      return (await current).queue;
    } catch (error) {
      if (opening === current) opening = undefined;
      throw error;
    }
  };

  return {
    async enqueue(jobs) {
      const work = ready().then((queue) =>
        queue.addBulk(
          jobs.map(({ deliveryId, delayMs }) => ({
            name: "deliver" as const,
            data: { deliveryId },
            opts: delayMs > 0 ? { delay: Math.ceil(delayMs) } : {},
          })),
        ),
      );
      await within(CALL_TIMEOUT_MS, work, tooLate);
    },
    depth: () =>
      within(
        CALL_TIMEOUT_MS,
        ready().then((queue) => queue.getWaitingCount()),
        tooLate,
      ),
    async close() {
      const open = await opening?.catch(() => undefined);
      await open?.end();
    },
  };
}

async function openQueue(
  location: QueueLocation,
  name: string,
  onError: (error: Error) => void,
): Promise<OpenQueue> {
  const open = location.kind === "redis" ? onRedis(location, name) : onPostgres(location.url, name);
  open.queue.on("error", onError);
  try {
    await open.queue.waitUntilReady();
    await Promise.race([open.firstTry, sleep(CALL_TIMEOUT_MS, undefined, { ref: false })]);
    return open;
  } catch (error) {
    await open.end().catch(onError);
    throw error;
  }
}

function onRedis(location: { readonly url: string; readonly prefix: string }, name: string) {
  const connection = openRedis(location.url, {
    // Without all of these a command waits for the connection instead of failing.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: CALL_TIMEOUT_MS,
  });
  const queue = new Queue<JobData, void, "deliver">(name, {
    connection,
    prefix: location.prefix,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    defaultJobOptions: KEEP_NOTHING,
    ...EVENT_STREAM,
  });
  // A connection that was handed in is ours to end.
  const end = async () => {
    await queue.close();
    connection.disconnect();
  };
  // The first calls wait for the connection that is being made; without it they would all fail.
  const firstTry = once(connection, "ready").then(
    () => {},
    () => {},
  );
  return { queue, end, firstTry };
}

function onPostgres(url: string, name: string) {
  const { connection, factory } = postgresBackend(url, POSTGRES_CONNECTIONS);
  const queue = new Queue<JobData, void, "deliver">(
    name,
    { connection, defaultJobOptions: KEEP_NOTHING },
    factory as never,
  );
  return { queue, end: () => queue.close(), firstTry: Promise.resolve() };
}
