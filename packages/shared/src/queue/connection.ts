/**
 * Where the queue lives: Redis (production, several machines) or BullMQ's PostgreSQL backend (no Redis
 * needed). With producer.ts and consumer.ts, the only files that know BullMQ.
 */
import { createPostgresBackend, runMigrations } from "bullmq";
import { Redis, type RedisOptions } from "ioredis";
import { Client } from "pg";
import type { Lane } from "../core/lanes.ts";

export type QueueLocation =
  | { readonly kind: "redis"; readonly url: string; readonly prefix: string }
  | { readonly kind: "postgres"; readonly url: string };

const QUEUE_NAMES = {
  main: "webhook-delivery",
  side: "webhook-delivery-side",
} as const satisfies Record<Lane, string>;

export function queueName(lane: Lane): string {
  return QUEUE_NAMES[lane];
}

const DEFAULT_PREFIX = "bull";
const POSTGRES_SCHEMA = "bullmq";

/** Nothing but the id: what a job needs is read from the row when it runs. */
export interface JobData {
  readonly deliveryId: string;
}

export function queueLocation(config: {
  readonly REDIS_URL: string | null;
  readonly DATABASE_URL: string;
}): QueueLocation {
  return config.REDIS_URL === null
    ? { kind: "postgres", url: config.DATABASE_URL }
    : { kind: "redis", url: config.REDIS_URL, prefix: DEFAULT_PREFIX };
}

/** A finished job leaves nothing behind: the row is the record. */
export const KEEP_NOTHING = { removeOnComplete: true, removeOnFail: true } as const;

// Nobody reads BullMQ's event stream here; its default of 10,000 entries is memory for nothing.
export const EVENT_STREAM = { streams: { events: { maxLen: 100 } } } as const;

const LONGEST_RECONNECT_WAIT_MS = 1_000;

// ioredis 6 types its constructor without the `undefined` that RedisOptions allows here.
type Options = Omit<RedisOptions, "replyMapping">;

export function openRedis(url: string, options: Options): Redis {
  const redisOptions: Options = {
    retryStrategy: (tries) => Math.min(50 * 2 ** tries, LONGEST_RECONNECT_WAIT_MS),
    ...options,
  };
  return new Redis(url, redisOptions);
}

const POSTGRES_CONNECT_TIMEOUT_MS = 2_000;
const POSTGRES_QUERY_TIMEOUT_MS = 10_000;

export function postgresBackend(url: string, maxConnections: number) {
  const connection = {
    connectionString: url,
    schema: POSTGRES_SCHEMA,
    max: maxConnections,
    connectionTimeoutMillis: POSTGRES_CONNECT_TIMEOUT_MS,
    query_timeout: POSTGRES_QUERY_TIMEOUT_MS,
  };
  return { connection, factory: createPostgresBackend };
}

/** Creates or updates BullMQ's own tables; nothing to do for Redis. Safe to repeat and to race. */
export async function migrateQueue(location: QueueLocation): Promise<void> {
  if (location.kind === "redis") return;
  const client = new Client({ connectionString: location.url });
  await client.connect();
  try {
    await runMigrations(client, POSTGRES_SCHEMA);
  } finally {
    await client.end();
  }
}
