/**
 * Once the database answers: says what in its URL is not as safe as it could be, and prepares statements
 * where that works.
 */
import { readConnectionUrl } from "./db/connection-url.ts";
import type { Sql } from "./db/client.ts";
import { prepareWherePossible } from "./db/pooler.ts";
import type { Logger } from "./log.ts";

export interface AdaptOptions {
  /** Opened with `prepares: false`. */
  readonly sql: Sql;
  readonly url: string;
  readonly log: Logger;
}

export async function adaptToPooler({ sql, url, log }: AdaptOptions): Promise<void> {
  const isPooled = await prepareWherePossible(sql, url);
  const { warnings } = readConnectionUrl(url);
  if (warnings.length > 0) {
    log.warn({ event: "database.url" }, `DATABASE_URL: ${warnings.join(". Also, ")}`);
  }
  if (!isPooled) return;
  log.info({ event: "database.pooled" }, "a connection pooler is in between: nothing is prepared");
}
