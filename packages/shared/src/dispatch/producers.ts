/** The queue's producer for a location: joins the queue and the database. */
import type { Sql } from "../db/client.ts";
import type { QueueLocation } from "../queue/location.ts";
import { createPostgresProducer } from "../queue/postgres-queue.ts";
import type { QueueProducer } from "../queue/queue.ts";
import { createRedisProducer } from "../queue/redis-queue.ts";

export interface ProducerDeps {
  readonly location: QueueLocation;
  readonly sql: Sql;
  readonly onError: (error: unknown) => void;
  /** It works, and will lose something one day: a sentence for people, once. */
  readonly onWarning?: (text: string) => void;
  /** Without Redis: this process has a consumer, which need not wait for a notification. */
  readonly onLeased?: () => void;
}

export function createProducer({ location, sql, ...deps }: ProducerDeps): QueueProducer {
  if (location.kind === "redis") return createRedisProducer(location, deps);
  return createPostgresProducer({
    ...deps,
    notify: (channel) => sql`select pg_notify(${channel}, '')`,
  });
}
