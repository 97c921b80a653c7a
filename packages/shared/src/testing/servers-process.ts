/**
 * The process that owns the servers of one test run: a real PostgreSQL, a real Redis (or the one at
 * REDIS_URL), and a migrated template database.
 *
 * It lives as long as the IPC channel to vitest does. However vitest ends (done, interrupted, killed),
 * the channel closes, and this stops the servers and removes their folder. Only when this process is
 * itself killed does something stay behind.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDatabase } from "../db/client.ts";
import { migrate } from "../db/migrate.ts";
import { startEmbeddedPostgres } from "../embedded/postgres.ts";
import { startRedis } from "../embedded/redis.ts";
import { MIGRATIONS_FOLDER } from "../paths.ts";

import type { TestServers } from "./global-setup.ts";
import { releaseRedisDatabases } from "./redis.ts";

const TEMPLATE = "template_for_tests";
/** Nobody will miss this cluster, so it need not survive a crash. */
const POSTGRES_SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "400",
  autovacuum_naptime: "10min",
};
/** More than there are suites; each takes one. */
const REDIS_DATABASES = 512;

const isParentGone = once(process, "disconnect");
// A second Ctrl-C or a terminal that closes must not cut the clearing up short.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-tests-"));
// PostgreSQL refuses to run as root; the account it then runs as must be able to enter.
await chmod(folder, 0o755);
const stops: (() => Promise<unknown>)[] = [];
const runId = randomUUID();

try {
  const [postgresUrl, redisUrl] = await allOrFail([startPostgres(), startOrFindRedis()]);
  const servers: TestServers = { postgresUrl, templateDatabase: TEMPLATE, redisUrl, runId };
  process.send?.(servers);
  await isParentGone;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await Promise.allSettled(stops.map((stop) => stop()));
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}
process.exit();

/** Unlike Promise.all it waits for both, so that what did start is known when it must be stopped. */
async function allOrFail<T extends unknown[]>(work: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as T;
}

async function startPostgres(): Promise<string> {
  const server = await startEmbeddedPostgres({
    folder: join(folder, "postgres"),
    settings: POSTGRES_SETTINGS,
  });
  stops.push(() => server.stop());
  const admin = connectDatabase({ url: server.url, applicationName: "tests", maxConnections: 1 });
  await admin.unsafe(`create database ${TEMPLATE}`);
  await admin.end();

  const url = server.url.replace(/[^/]*$/, TEMPLATE);
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 1 });
  await migrate(sql, MIGRATIONS_FOLDER);
  await sql.end();
  return server.url;
}

async function startOrFindRedis(): Promise<string> {
  const given = process.env["REDIS_URL"];
  if (given) {
    stops.push(() => releaseRedisDatabases(given, runId));
    return given;
  }
  const server = await startRedis({
    folder: join(folder, "redis"),
    args: ["--databases", String(REDIS_DATABASES)],
  });
  stops.push(() => server.stop());
  return server.url;
}
