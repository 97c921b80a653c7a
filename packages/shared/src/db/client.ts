/** The connection pool, and which of its errors mean "not now" rather than "not like that". */
import postgres from "postgres";
import { readStoredTime, toStoredTime } from "../core/time.ts";
import { connectTimeoutSeconds, createSocketOpener } from "./connection-socket.ts";
import { readConnectionUrl } from "./connection-url.ts";
import { BEGIN, createSession, STARTUP_SETTINGS, type Session } from "./session.ts";
import type { Queryable, Sql } from "./sql.ts";

export type { Queryable, Sql } from "./sql.ts";

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly maxConnections?: number;
  /** False: no named prepared statements, until `prepareWherePossible` has looked (pooler.ts). */
  readonly prepares?: boolean;
}

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
  const target = readConnectionUrl(options.url);
  const { keepAliveSeconds, sessionAttrs } = target;
  // Options that its types do not know.
  const untyped = { ...UNPIPELINED, socket: createSocketOpener(target) };
  const pool = postgres({
    // For its error messages: connections are opened by `socket`.
    host: target.hosts[0].address,
    port: target.hosts[0].port,
    ssl: false,
    user: target.user,
    pass: target.password,
    database: target.database,
    ...(sessionAttrs !== undefined && { target_session_attrs: sessionAttrs }),
    ...(keepAliveSeconds !== undefined && { keep_alive: keepAliveSeconds }),
    prepare: options.prepares !== false && !target.isPooled,
    max: options.maxConnections ?? DEFAULT_CONNECTIONS,
    connect_timeout: connectTimeoutSeconds(target),
    idle_timeout: IDLE_TIMEOUT_SECONDS,
    ...untyped,
    backoff: (failures) => Math.min(0.05 * 2 ** failures, LONGEST_RECONNECT_WAIT_SECONDS),
    connection: {
      application_name: options.applicationName,
      ...target.startup,
      ...STARTUP_SETTINGS,
    },
    types: { date: TIMES },
    onnotice: () => {},
  });
  const { isPooled, hosts } = target;
  return keepToSettings(pool, createSession({ pool, isPooled, hosts: hosts.length }));
}

const sessions = new WeakMap<Sql, Session>();

/**
 * The same pool, whose statements wait until the session's settings are known, and run in a transaction of
 * their own where those must be said each time (session.ts). Not `sql.unsafe()`, which may hold what no
 * transaction can.
 */
function keepToSettings(pool: Sql, session: Session): Sql {
  const sql = new Proxy(pool, {
    apply(target, self, args: [unknown]) {
      const made = Reflect.apply(target as unknown as (...given: unknown[]) => unknown, self, args);
      if (isTemplate(args[0])) divert(made as DriverQuery, pool, session);
      return made;
    },
  });
  sessions.set(sql, session);
  return sql;
}

function isTemplate(first: unknown): boolean {
  return Array.isArray((first as { raw?: unknown } | undefined)?.raw);
}

/** What postgres.js 3.4.9 keeps in a query: who runs it once somebody waits for it, and how it ends. */
interface DriverQuery {
  handler: (query: DriverQuery) => void;
  resolve: (rows: unknown) => void;
  reject: (error: unknown) => void;
}

function divert(query: DriverQuery, pool: Sql, session: Session): void {
  const { handler: run, resolve, reject } = query;
  const runLater = async (learning: Promise<void> | undefined): Promise<void> => {
    try {
      await learning;
    } catch (error) {
      return reject(error);
    }
    if (!session.isSaidEachTime()) return run(query);
    await transact(pool, session.begin(), (tx) => runOn(tx, query)).then(resolve, reject);
  };
  query.handler = () => {
    const learning = session.learn();
    if (learning === undefined && !session.isSaidEachTime()) run(query);
    else void runLater(learning);
  };
}

function runOn(tx: Queryable, query: DriverQuery): Promise<unknown> {
  const { handler: run } = tx`select` as unknown as DriverQuery;
  return new Promise((resolve, reject) => {
    Object.assign(query, { resolve, reject });
    run(query);
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
 * `work` on one reserved connection between BEGIN (read committed, whatever the database's default) and
 * COMMIT; ROLLBACK when it throws. Instead of `sql.begin()`, which misbehaves when a connection's pipeline
 * fills (porsager/postgres #823, #1189).
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
  const session = sessions.get(sql);
  await session?.learn();
  return transact(sql, session?.begin() ?? BEGIN, work);
}

async function transact<T>(
  sql: Sql,
  begin: string,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  await sql.unsafe("select");
  const connection = await sql.reserve();
  try {
    await connection.unsafe(begin);
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
  "DATABASE_TLS",
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ERR_SOCKET_CLOSED",
]);

// PostgreSQL's own: connection exceptions (08), too many connections and out of memory or disk (53),
// shutdown, crash and start-up (57P), read-only after a failover (25006), system errors (58).
const AWAY_STATES = /^(?:08|53|57P|58|25006)/;

// It answers, and has ended this one statement or transaction: for others that ran beside it (40001
// serialization, 40P01 deadlock, 40003 outcome unknown, 55P03 lock, 55006 object in use), or for its time
// (57014 statement_timeout or cancelled, 25P03 and 25P04 transaction idle or too long).
const CUT_OFF_STATES = /^(?:40001|40003|40P01|55006|55P03|57014|25P03|25P04)$/;

export function isConnectionLost(error: unknown): boolean {
  return CONNECTION_CODES.has(codeOf(error));
}

/** True when no statement can be answered now. */
export function isDatabaseAway(error: unknown): boolean {
  return isConnectionLost(error) || AWAY_STATES.test(codeOf(error));
}

/**
 * "Not now": the database is away, or it has cut off this statement; the same one may work later. Which of
 * the two matters to whoever wrote several things in one statement: after a cut-off each may do well alone.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  return isDatabaseAway(error) || CUT_OFF_STATES.test(codeOf(error));
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}
