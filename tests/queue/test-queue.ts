/** A queue with workers that only note what they get, the same on both backends. */
import { randomUUID } from "node:crypto";
import { expect, vi } from "vitest";
import type { Permit } from "@webhook-delivery/shared/core/permit.ts";
import { connectDatabase, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { nextStartInMs, takeLeases } from "@webhook-delivery/shared/db/leases.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import type { QueueLocation } from "@webhook-delivery/shared/queue/location.ts";
import {
  LEASED_CHANNEL,
  startPostgresConsumer,
  WAITING_CHANNEL,
} from "@webhook-delivery/shared/queue/postgres-queue.ts";
import type {
  ConsumerOptions,
  QueueConsumer,
  QueuedPermit,
  QueueProducer,
} from "@webhook-delivery/shared/queue/queue.ts";
import { startRedisConsumer } from "@webhook-delivery/shared/queue/redis-consumer.ts";
import { wakeChannel } from "@webhook-delivery/shared/queue/redis-queue.ts";
import { createRunner } from "@webhook-delivery/shared/queue/runner.ts";
import { createTestDatabase } from "@webhook-delivery/shared/testing/database.ts";
import { createTestRedis, type TestRedis } from "@webhook-delivery/shared/testing/redis.ts";
import type { Backend } from "@webhook-delivery/shared/testing/service.ts";
import { createSignal, PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";

export interface TestWorker {
  /** What it was given, in order; it may still run. */
  readonly started: readonly Permit[];
  /** What createRunner's onFailed heard. */
  readonly failures: readonly unknown[];
  /** The most that ever ran at once. */
  readonly peak: () => number;
  readonly wakes: () => number;
  /** From now on runs end at once, and so do those that were held. */
  release(): void;
  close(): Promise<void>;
}

interface WorkerOptions {
  readonly slots?: number;
  /** Runs wait for `release()`. */
  readonly isHeld?: boolean;
  readonly run?: (permit: Permit) => void;
}

export interface TestQueue extends AsyncDisposable {
  /** Of the server itself; another one may lead to it through a forwarder. */
  readonly url: string;
  /** Connected. */
  readonly producer: QueueProducer;
  openProducer(url: string): QueueProducer;
  /** What the scheduler does: without Redis, the leases are granted first. */
  enqueue(permits: readonly QueuedPermit[]): Promise<void>;
  startWorker(options?: WorkerOptions): Promise<TestWorker>;
  /** Resolves when so many workers would hear a wake. */
  untilWakesReach(workers: number): Promise<void>;
  /** Resolves when it is true; looks after everything that happens to a worker. */
  until(isTrue: () => boolean): Promise<void>;
  /** How many messages a listener gets that is there before `send` begins, until all are with it. */
  countWakes(send: () => Promise<void>): Promise<number>;
}

/** What differs between the two. */
interface Server extends AsyncDisposable {
  readonly url: string;
  openProducer(url: string): QueueProducer;
  grant(permits: readonly QueuedPermit[]): Promise<void>;
  startConsumer(options: ConsumerOptions): Promise<QueueConsumer>;
  untilWakesReach(consumers: number): Promise<void>;
  /** Resolves when it listens; calls back with the text of each message. */
  hearWakes(onMessage: (text: string) => void): Promise<void>;
  sayOnWakeChannel(text: string): Promise<unknown>;
}

export interface RedisTestQueue extends TestQueue {
  readonly redis: TestRedis;
}

const DEFAULT_SLOTS = 5;
/** A server that goes away in a test is reported, and mended, by the queue itself. */
const ignore = (): void => {};

export async function createTestQueue(backend: Backend): Promise<TestQueue> {
  return backend === "redis" ? createRedisTestQueue() : openQueue(await createPostgresServer());
}

export async function createRedisTestQueue(): Promise<RedisTestQueue> {
  const redis = await createTestRedis();
  return { ...(await openQueue(createRedisServer(redis))), redis };
}

async function openQueue(server: Server): Promise<TestQueue> {
  const signal = createSignal();
  const workers: TestWorker[] = [];
  const producers: QueueProducer[] = [];
  const openProducer = (url: string): QueueProducer => {
    const producer = server.openProducer(url);
    producers.push(producer);
    return producer;
  };
  const producer = openProducer(server.url);
  await vi.waitFor(() => producer.check(), PATIENCE);
  return {
    url: server.url,
    producer,
    openProducer,
    async enqueue(permits) {
      await server.grant(permits);
      await producer.enqueue(permits);
    },
    async startWorker(options = {}) {
      const worker = await startWorker(server, options, () => signal.notify());
      workers.push(worker);
      return worker;
    },
    untilWakesReach: (count) => server.untilWakesReach(count),
    async until(isTrue) {
      const describe = (): string => {
        const each = workers.map(({ started, wakes }) => `${started.length} (${wakes()} wakes)`);
        return `${isTrue.toString()}; started: ${each.join(", ")}`;
      };
      await signal.until(() => isTrue() || undefined, describe);
    },
    async countWakes(send) {
      const end = randomUUID();
      const allHeard = Promise.withResolvers<void>();
      let count = 0;
      await server.hearWakes((text) => {
        if (text === end) allHeard.resolve();
        else count += 1;
      });
      await send();
      // Both servers keep the order: what was sent before has arrived when this has.
      await server.sayOnWakeChannel(end);
      await allHeard.promise;
      return count;
    },
    async [Symbol.asyncDispose]() {
      // A test that failed half-way still holds its runs, and a consumer waits for them.
      for (const worker of workers) worker.release();
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all(producers.map((one) => one.close()));
      await server[Symbol.asyncDispose]();
    },
  };
}

async function startWorker(
  server: Server,
  { slots = DEFAULT_SLOTS, isHeld = false, run }: WorkerOptions,
  onChange: () => void,
): Promise<TestWorker> {
  const started: Permit[] = [];
  const failures: unknown[] = [];
  const released = Promise.withResolvers<void>();
  let running = 0;
  let peak = 0;
  let wakes = 0;
  if (!isHeld) released.resolve();

  const runner = createRunner({
    slots,
    async run(permit) {
      started.push(permit);
      running += 1;
      peak = Math.max(peak, running);
      onChange();
      try {
        await released.promise;
        run?.(permit);
      } finally {
        running -= 1;
      }
    },
    onFailed(error) {
      failures.push(error);
      onChange();
    },
  });
  const consumer = await server.startConsumer({
    runner,
    onWake() {
      wakes += 1;
      onChange();
    },
    onError: ignore,
  });
  return {
    started,
    failures,
    peak: () => peak,
    wakes: () => wakes,
    release: () => released.resolve(),
    close: () => consumer.close(),
  };
}

const PREFIX = "conformance";

function createRedisServer(redis: TestRedis): Server {
  const locationOf = (url: string) =>
    ({ kind: "redis", url, prefix: async () => PREFIX }) as const satisfies QueueLocation;
  const location = locationOf(redis.url);
  const channel = wakeChannel(PREFIX);
  const listeners: TestRedis["client"][] = [];

  return {
    url: redis.url,
    openProducer: (url) =>
      createProducer({ location: locationOf(url), sql: noDatabase, onError: ignore }),
    grant: async () => {},
    startConsumer: async (options) => startRedisConsumer(location, options),
    // A consumer tells nobody when it has subscribed; Redis knows.
    async untilWakesReach(consumers) {
      const subscribed = async () => Number((await redis.client.pubsub("NUMSUB", channel))[1]);
      await vi.waitFor(async () => expect(await subscribed()).toBe(consumers), PATIENCE);
    },
    async hearWakes(onMessage) {
      const listener = redis.client.duplicate();
      listeners.push(listener);
      listener.on("message", (_channel: string, text: string) => onMessage(text));
      await listener.subscribe(channel);
    },
    sayOnWakeChannel: (text) => redis.client.publish(channel, text),
    async [Symbol.asyncDispose]() {
      for (const listener of listeners) listener.disconnect();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** The queue on Redis is to need nothing of PostgreSQL: whoever asks fails. */
const noDatabase = (() => {
  throw new Error("the queue on Redis asked the database");
}) as unknown as Sql;

async function createPostgresServer(): Promise<Server> {
  const database = await createTestDatabase();
  const { sql } = database;
  const pools: Sql[] = [];
  /** One of its own for each part, as in processes of their own: they hear of each other only by NOTIFY. */
  const connect = (url: string): Sql => {
    const pool = connectDatabase({ url, applicationName: "tests", maxConnections: 1 });
    pools.push(pool);
    return pool;
  };
  return {
    url: database.url,
    openProducer: (url) =>
      createProducer({ location: { kind: "postgres" }, sql: connect(url), onError: ignore }),
    async grant(permits) {
      // For an hour: a lease that expires is another matter, and would end a test on a slow machine.
      await sql`
        insert into delivery_leases (delivery_id, destination, permit, starts_at, expires_at)
        select "deliveryId", "destinationKey", kind, starts_at, starts_at + interval '1 hour'
        from jsonb_to_recordset(${JSON.stringify(permits)}::text::jsonb)
            as given ("deliveryId" uuid, "destinationKey" text, kind text, "delayMs" integer),
          lateral (select now() + "delayMs" * interval '1 millisecond' as starts_at) as start`;
    },
    async startConsumer({ runner, onWake, onError }) {
      const pool = connect(database.url);
      const workerId = randomUUID();
      const consumer = startPostgresConsumer(
        {
          take: (limit) => takeLeases(pool, { workerId, limit }),
          nextStartInMs: () => nextStartInMs(pool),
        },
        { runner, onError },
      );
      // As the worker's listener does (apps/worker/src/listener.ts).
      await pool.listen(LEASED_CHANNEL, () => consumer.nudge());
      await pool.listen(WAITING_CHANNEL, onWake);
      return consumer;
    },
    // LISTEN was answered before a consumer was given out.
    untilWakesReach: async () => {},
    async hearWakes(onMessage) {
      await connect(database.url).listen(WAITING_CHANNEL, onMessage);
    },
    sayOnWakeChannel: (text) => sql`select pg_notify(${WAITING_CHANNEL}, ${text})`,
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.end({ timeout: 0 })));
      await database[Symbol.asyncDispose]();
    },
  };
}
