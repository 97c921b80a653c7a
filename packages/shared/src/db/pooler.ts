/**
 * Whether a connection pooler stands between us and PostgreSQL. Through one in transaction mode
 * (PgBouncer, Supabase's Supavisor on port 6543) every transaction may come to another server
 * connection: named prepared statements, LISTEN and session settings are lost there.
 */
import { readConnectionUrl } from "./connection-url.ts";
import type { Sql } from "./sql.ts";

/**
 * A pooler answers the start of a connection itself, with a process number of its own making; the
 * process that then answers has another one. PostgreSQL's own are the same.
 */
export async function isBehindPooler(sql: Sql): Promise<boolean> {
  const rows = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return rows[0]?.pid !== rows.state.pid;
}

/**
 * For a pool that was opened with `prepares: false`: from now on statements are prepared, if that can
 * work. Answers whether a pooler is in between.
 */
export async function prepareWherePossible(sql: Sql, url: string): Promise<boolean> {
  const isPooled = readConnectionUrl(url).isPooled || (await isBehindPooler(sql));
  // Read by postgres.js for every query; its types have it as a constant.
  if (!isPooled) (sql.options as { prepare: boolean }).prepare = true;
  return isPooled;
}
