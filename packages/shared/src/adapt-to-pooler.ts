/**
 * Once the database answers: says what in its URL is not as safe as it could be, prepares statements where
 * that works, and says what a pooler means here.
 */
import { readConnectionUrl } from "./db/connection-url.ts";
import type { Sql } from "./db/client.ts";
import { prepareWherePossible } from "./db/pooler.ts";
import type { Logger } from "./log.ts";
import type { QueueLocation } from "./queue/connection.ts";

export interface AdaptOptions {
  /** Opened with `prepares: false`. */
  readonly sql: Sql;
  readonly url: string;
  readonly location: QueueLocation;
  readonly log: Logger;
}

export async function adaptToPooler({ sql, url, location, log }: AdaptOptions): Promise<void> {
  const isPooled = await prepareWherePossible(sql, url);
  const { warnings } = readConnectionUrl(url);
  if (warnings.length > 0) {
    log.warn({ event: "database.url" }, `DATABASE_URL: ${warnings.join(". Also, ")}`);
  }
  if (!isPooled) return;
  log.info({ event: "database.pooled" }, "a connection pooler is in between: nothing is prepared");
  if (location.kind === "redis") return;
  log.warn(
    { event: "queue.unsuited" },
    "the queue in PostgreSQL does not work through a transaction-mode pooler: set REDIS_URL, or " +
      "give DATABASE_URL the direct connection",
  );
}
