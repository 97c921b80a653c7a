/**
 * Connections to the embedded server: is it ready, whose is it, does it have our database.
 *
 * Who owns a running server is an advisory lock that the owner's session holds for as long as it
 * lives. The server itself drops the lock when the owner is gone, however it went, so there is no file
 * that could be out of date and exactly one process ever stops a server.
 */
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { hasCode } from "./processes.ts";

export const DATABASE = "webhook_delivery";

/** Any number will do; the lock lives in the database `postgres`, which the services never use. */
const OWNER_LOCK = 1;
/** A killed owner's session is closed at once; this is for a server too busy to notice. */
const OWNER_LEAVES_WITHIN_MS = 2000;
const RETRY_EVERY_MS = 50;

export interface ServerAddress {
  readonly port: number;
  readonly password: string;
  /** The cluster that must answer there. */
  readonly cluster: string;
}

export interface OwnerSession {
  close(): Promise<void>;
}

export type Claim =
  | { readonly state: "owned"; readonly session: OwnerSession }
  | { readonly state: "notReady" }
  /** It answers, but nobody gets in with the password kept beside the cluster. */
  | { readonly state: "wrongPassword" }
  | { readonly state: "inUse"; readonly owner: string };

export async function claimServer(address: ServerAddress): Promise<Claim> {
  const sql = connect(address);
  const close = () => sql.end({ timeout: 0 });
  try {
    const claim = await claimWith(sql, { close }, address);
    if (claim.state !== "owned") await close();
    return claim;
  } catch (error) {
    await close();
    if (isNotReady(error)) return { state: "notReady" };
    if (hasCode(error, "28P01")) return { state: "wrongPassword" };
    throw error;
  }
}

async function claimWith(
  sql: postgres.Sql,
  session: OwnerSession,
  address: ServerAddress,
): Promise<Claim> {
  const [server] = await sql<{ cluster: string }[]>`
    select current_setting('data_directory') as cluster`;
  if (server?.cluster !== address.cluster) return { state: "notReady" };
  const owner = await takeOwnerLock(sql);
  if (owner !== undefined) return { state: "inUse", owner };
  await createDatabase(sql);
  return { state: "owned", session };
}

function connect({ port, password }: ServerAddress): postgres.Sql {
  return postgres({
    host: "127.0.0.1",
    port,
    password,
    username: "postgres",
    database: "postgres",
    ssl: false,
    max: 1,
    // The session is the ownership: it must not be recycled.
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 5,
    connection: { application_name: `process ${process.pid}` },
    onnotice: () => undefined,
  });
}

/** Answers the living owner when there is one. */
async function takeOwnerLock(sql: postgres.Sql): Promise<string | undefined> {
  const deadline = Date.now() + OWNER_LEAVES_WITHIN_MS;
  while (Date.now() < deadline) {
    const [row] = await sql<{ isTaken: boolean }[]>`
      select pg_try_advisory_lock(${OWNER_LOCK}) as "isTaken"`;
    if (row?.isTaken) return undefined;
    await delay(RETRY_EVERY_MS);
  }
  const [owner] = await sql<{ name: string }[]>`
    select application_name as name
    from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and objid = ${OWNER_LOCK} and granted`;
  return owner?.name ?? "an owner that has just left";
}

/** No race: only the owner gets here. */
async function createDatabase(sql: postgres.Sql): Promise<void> {
  const [existing] = await sql`select 1 from pg_database where datname = ${DATABASE}`;
  if (!existing) await sql`create database ${sql(DATABASE)}`;
}

/** Refused or cut connections, and PostgreSQL's "starting up" and "shutting down". */
function isNotReady(error: unknown): boolean {
  const codes = ["ECONNREFUSED", "ECONNRESET", "CONNECTION_CLOSED", "CONNECTION_ENDED"];
  return [...codes, "CONNECT_TIMEOUT", "57P01", "57P02", "57P03"].some((code) =>
    hasCode(error, code),
  );
}
