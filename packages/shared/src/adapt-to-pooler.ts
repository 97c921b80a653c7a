/** Once the database answers: prepares statements where that works. */
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
  if (!(await prepareWherePossible(sql, url))) return;
  log.info({ event: "database.pooled" }, "a connection pooler is in between: nothing is prepared");
}
