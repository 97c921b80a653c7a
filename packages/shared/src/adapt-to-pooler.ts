/** Once the database answers: prepares statements where that works, and says what a pooler means here. */
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
  if (!(await prepareWherePossible(sql, url))) return;
  log.info({ event: "database.pooled" }, "a connection pooler is in between: nothing is prepared");
  if (location.kind === "redis") return;
  log.warn(
    { event: "queue.unsuited" },
    "the queue in PostgreSQL does not work through a transaction-mode pooler: set REDIS_URL, or " +
      "give DATABASE_URL the direct connection",
  );
}
