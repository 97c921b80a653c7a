/** The connection pool, and which of its errors mean "not now" rather than "not like that". */
import postgres from "postgres";
import { readStoredTime, toStoredTime } from "../core/time.ts";
import { readPoolerHint } from "./pooler.ts";

export type Sql = postgres.Sql;
/** What a query function needs: the pool, or one reserved connection inside a transaction. */
export type Queryable = postgres.ISql;

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly maxConnections?: number;
  /** False: no named prepared statements, until `prepareWherePossible` has looked (pooler.ts). */
  readonly prepares?: boolean;
}

const CONNECT_TIMEOUT_SECONDS = 5;
const IDLE_TIMEOUT_SECONDS = 60;
const DEFAULT_CONNECTIONS = 10;
// A lost server is tried again soon: the default backoff grows to 20 s.
const LONGEST_RECONNECT_WAIT_SECONDS = 1;
/**
 * One statement at a time on each connection. What is not prepared is described first, with a Flush and
 * no Sync: sent behind another statement, PgBouncer takes its connection to be idle in between and gives it
 * to somebody else, the answer is lost, and whoever waits for it waits for ever (1 of 8 runs of
 * tests/pooler on a busy machine). Nor does a quick statement wait behind a slow one.
 * `sql.begin()` does not work then; `inTransaction` does.
 */
const UNPIPELINED = { max_pipeline: 0 };

/** date, timestamp and timestamptz; its own reader takes the year 1 for 2001 and fails at BC and infinity. */
const TIMES = {
  to: 1184,
  from: [1082, 1114, 1184],
  serialize: (time: Date | string) => (time instanceof Date ? toStoredTime(time) : time),
  parse: readStoredTime,
};

export function connectDatabase(options: DatabaseOptions): Sql {
  const { url, isPooled } = readPoolerHint(options.url);
  return postgres(url, {
    prepare: options.prepares !== false && !isPooled,
    max: options.maxConnections ?? DEFAULT_CONNECTIONS,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    idle_timeout: IDLE_TIMEOUT_SECONDS,
    // Its types do not know the option.
    ...UNPIPELINED,
    backoff: (failures) => Math.min(0.05 * 2 ** failures, LONGEST_RECONNECT_WAIT_SECONDS),
    connection: { application_name: options.applicationName },
    types: { date: TIMES },
    onnotice: () => {},
  });
}

/** Stands for "no client" in unique indexes, which take each null for a value of its own. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/**
 * Whose row it is, null being the operator, spelled as in the unique indexes: with a parameter for the
 * nil UUID a prepared statement could not use them.
 */
export function belongsTo(sql: Queryable, clientId: string | null) {
  return sql`coalesce(client_id, '00000000-0000-0000-0000-000000000000') = ${clientId ?? NIL_UUID}`;
}

/** An array literal for a `::uuid[]` cast. Takes ids only: nothing is quoted. */
export function uuidArray(ids: readonly string[]): string {
  return `{${ids.join(",")}}`;
}

/**
 * `work` on one reserved connection between BEGIN and COMMIT; ROLLBACK when it throws. Instead of
 * `sql.begin()`, which misbehaves when a connection's pipeline fills (porsager/postgres #823, #1189).
 *
 * A connection that is lost has rolled back by itself and is with the pool again. It must not be touched
 * any more: postgres.js 3.4.9 would write to a socket that is null, in a timer where nobody catches it,
 * and a release would give that connection to the next query as an open one.
 *
 * It also tells the first query on a connection that comes back of the error that ended the old one. When
 * that is a `reserve()`, the connection is never seen again: so a plain query goes before, after which
 * `reserve()` finds an open connection. A restart of PostgreSQL could cost the whole pool otherwise.
 */
export async function inTransaction<T>(sql: Sql, work: (tx: Queryable) => Promise<T>): Promise<T> {
  await sql`select`;
  const connection = await sql.reserve();
  try {
    await connection`begin`;
    const result = await work(connection);
    await connection`commit`;
    connection.release();
    return result;
  } catch (error) {
    // The first error is the one to report.
    const isUsable = !isConnectionLost(error) && (await endsWell(connection`rollback`));
    if (isUsable) connection.release();
    throw error;
  }
}

async function endsWell(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

const CONNECTION_CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

// PostgreSQL's own: connection exceptions (08), too many connections and out of memory or disk (53),
// shutdown, crash and start-up (57P), read-only after a failover (25006), system errors (58), a lock
// that somebody holds for too long (55P03), a transaction in which nothing was said for too long (25P03).
const UNAVAILABLE_STATES = /^(?:08|53|57P|58|25006|25P03|55P03)/;

export function isConnectionLost(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && CONNECTION_CODES.has(code);
}

/** True when the database cannot answer now and the same statement may work later. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return isConnectionLost(error) || (typeof code === "string" && UNAVAILABLE_STATES.test(code));
}
