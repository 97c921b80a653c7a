/**
 * `pnpm bench:drain [--rows 20000] [--destinations 1] [--concurrency 200] [--backend redis]`: how fast one
 * worker delivers what waits, without a rate limit, and what each delivery costs.
 *
 * The figure to read is the ratio to the floor (undici POST with HMAC, same concurrency, same receiver, before
 * and after in the same run), and the counts that no machine changes: statements and PostgreSQL time per
 * delivery (pg_stat_statements), CPU of the worker.
 */
import { execFile, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { startStack, untilReady } from "../tests/chaos/stack.ts";

const LOOK_EVERY_MS = 50;
const TICKS_PER_SECOND = 100;
const STATEMENTS_SHOWN = 8;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    rows: { type: "string", default: "20000" },
    destinations: { type: "string", default: "1" },
    concurrency: { type: "string", default: "200" },
    backend: { type: "string", default: "redis" },
  },
});
const [rows, destinations] = [Number(values.rows), Number(values.destinations)];
const receiver = fork(fileURLToPath(new URL("drain/receiver.ts", import.meta.url)), {
  execArgv: ["--import", "tsx"],
});
const { port } = await answer<{ port: number }>(receiver);
const url = `http://127.0.0.1:${port}/`;
const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
const stack = await startStack({
  backend: values.backend === "postgres" ? "postgres" : "redis",
  folder,
  isDirect: true,
  env: { WORKER_CONCURRENCY: values.concurrency, RATE_LIMIT_PER_SECOND: "0", LOG_LEVEL: "warn" },
  postgresSettings: {
    fsync: "off",
    synchronous_commit: "off",
    shared_preload_libraries: "pg_stat_statements",
  },
});
try {
  await untilReady(stack);
  await Promise.all(stack.workers.map((worker) => worker.kill("SIGTERM")));
  await insertBacklog(stack.sql);
  const before = await measureFloor();
  await ask(receiver, "forget");
  const worker = stack.workers[0];
  worker.start();
  await stack.sql`create extension if not exists pg_stat_statements`;
  await stack.sql`select pg_stat_statements_reset()`;
  while ((await count()).distinct === 0) await sleep(LOOK_EVERY_MS);
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds(worker.pid());
  while ((await count()).distinct < rows) await sleep(LOOK_EVERY_MS);
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuMs = ((cpuSeconds(worker.pid()) - cpuBefore) * 1_000) / rows;
  const { requests } = await count();
  await untilRecorded(stack.sql);
  const statements = await readStatements(stack.sql);
  const after = await measureFloor();
  const perSecond = rows / seconds;
  console.table({
    backend: values.backend,
    rows,
    destinations,
    "delivered/s": Math.round(perSecond),
    "floor before, after": `${before}, ${after}`,
    "ratio to the floor": round(perSecond / ((before + after) / 2)),
    "delivered twice": requests - rows,
    "worker CPU ms each": round(cpuMs),
    "PostgreSQL ms each": round(statements.reduce((sum, { ms }) => sum + ms, 0) / rows),
    "statements each": round(statements.reduce((sum, { calls }) => sum + calls, 0) / rows),
  });
  console.table(
    statements.slice(0, STATEMENTS_SHOWN).map(({ query, calls, ms }) => ({
      statement: query.replaceAll(/\s+/g, " ").slice(0, 60),
      calls,
      "ms a call": round(ms / calls),
      "ms each": round(ms / rows),
    })),
  );
} finally {
  await stack.stop();
  receiver.disconnect();
  await rm(folder, { recursive: true, force: true });
}

async function answer<T>(from: ChildProcess): Promise<T> {
  const [message] = (await once(from, "message")) as [T];
  return message;
}

async function ask<T>(whom: ChildProcess, command: string): Promise<T> {
  const answered = answer<T>(whom);
  whom.send(command);
  return answered;
}

function count(): Promise<{ distinct: number; requests: number }> {
  return ask(receiver, "count");
}

async function measureFloor(): Promise<number> {
  const file = fileURLToPath(new URL("drain/floor.ts", import.meta.url));
  const args = ["--import", "tsx", file, url, "20000", values.concurrency];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

async function insertBacklog(sql: Sql): Promise<void> {
  await sql`
    insert into webhook_deliveries
      (id, event_type, webhook_url, payload, body, format, max_attempts, next_retry_at)
    select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(n::text), 1, 3) || '8' || substr(md5('b' || n), 1, 15))::uuid,
      'lead.captured', ${url}::text || 'hook-' || n % ${destinations}::int,
      '{}', ${JSON.stringify({ note: "x".repeat(400) })}, 'raw', 4, now()
    from generate_series(1, ${rows}::int) as n`;
  await sql`vacuum analyze webhook_deliveries`;
}

async function untilRecorded(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<{ left: number }[]>`
      select count(*)::int as left from webhook_deliveries where status in ('pending', 'sent')`;
    if (row?.left === 0) return;
    await sleep(LOOK_EVERY_MS);
  }
}

interface Statement {
  readonly query: string;
  readonly calls: number;
  readonly ms: number;
}

async function readStatements(sql: Sql): Promise<Statement[]> {
  return sql<Statement[]>`
    select query, calls::float8, total_exec_time as ms from pg_stat_statements
    where query not like '%pg_stat_statements%' and query not like '%''pending'', ''sent'')%'
      or query like '%walk%'
    order by total_exec_time desc`;
}

/** User and system time of the process, by Linux. */
function cpuSeconds(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
