/**
 * `pnpm bench:outbox [--rows 200] [--burst 5000]`: the time from the commit of a row in the outbox to the
 * receiver: with notifications, with lost ones, and through a transaction-mode pooler; and how long one
 * transaction with many rows takes. One worker, the queue in Redis, everything on this machine.
 */
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { startEmbeddedPostgres } from "@webhook-delivery/shared/embedded/postgres.ts";
import { startRedis } from "@webhook-delivery/shared/embedded/redis.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { startPgBouncer } from "@webhook-delivery/shared/testing/pgbouncer.ts";
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";

/** So that rows fall anywhere between two polls. */
const LONGEST_PAUSE_MS = 150;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { rows: { type: "string", default: "200" }, burst: { type: "string", default: "5000" } },
});
const rowCount = Number(values.rows);
const burst = Number(values.burst);
const arrivedAt = new Map<number, number>();
const receiver = createServer((request, response) => {
  const at = performance.now();
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.on("end", () => {
    arrivedAt.set((JSON.parse(text) as { n: number }).n, at);
    response.end();
  });
}).listen(0, "127.0.0.1");
await once(receiver, "listening");

const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
await chmod(folder, 0o755);
await using stack = new AsyncDisposableStack();
stack.defer(() => rm(folder, { recursive: true, force: true }));
stack.defer(() => {
  receiver.closeAllConnections();
  receiver.close();
});
const postgres = await startEmbeddedPostgres({ folder: join(folder, "postgres") });
stack.defer(() => postgres.stop());
const redis = await startRedis({ folder: join(folder, "redis") });
stack.defer(() => redis.stop());
const sql = connectDatabase({ url: postgres.url, applicationName: "bench" });
stack.defer(() => sql.end({ timeout: 1 }));
await migrate(sql, MIGRATIONS_FOLDER);
const endpointId = await registerEndpoint();
let next = 0;

console.table({
  notified: await withWorker(postgres.url, "listen", () => measure(rowCount)),
  "notification lost": await withWorker(postgres.url, "listen", async () => {
    await sql`alter table outbox_messages disable trigger outbox_messages_inserted`;
    const figures = await measure(Math.ceil(rowCount / 2));
    await sql`alter table outbox_messages enable trigger outbox_messages_inserted`;
    return figures;
  }),
  "polling, through PgBouncer": await withPooler(),
  [`${burst} rows in one transaction`]: await withWorker(postgres.url, "listen", measureBurst),
});

async function withPooler() {
  await using pooler = await startPgBouncer(postgres.url);
  return await withWorker(pooler.url, "polling", () => measure(rowCount));
}

async function withWorker<T>(url: string, mode: string, work: () => Promise<T>): Promise<T> {
  await using worker = await spawnProgram("worker", environment(url));
  await worker.waitForLine((line) => line["event"] === "outbox.mode" && line["mode"] === mode);
  await measure(5);
  // Not handed on: the worker is gone when this returns.
  return await work();
}

async function measure(count: number) {
  const delays: Promise<number>[] = [];
  for (let row = 0; row < count; row++) {
    const n = next++;
    await sql`insert into outbox_messages (endpoint_id, payload) values (${endpointId}, ${JSON.stringify({ n })}::text::jsonb)`;
    delays.push(delayOf(n, performance.now()));
    await sleep(Math.random() * LONGEST_PAUSE_MS);
  }
  return figuresOf(await Promise.all(delays));
}

async function measureBurst() {
  const from = next;
  next += burst;
  await sql`
    insert into outbox_messages (endpoint_id, payload)
    select ${endpointId}, jsonb_build_object('n', n) from generate_series(${from}::int, ${next - 1}::int) as n`;
  const committedAt = performance.now();
  const numbers = Array.from({ length: burst }, (_, at) => from + at);
  const delays = await Promise.all(numbers.map((n) => delayOf(n, committedAt)));
  return figuresOf(delays);
}

async function delayOf(n: number, committedAt: number): Promise<number> {
  for (;;) {
    const at = arrivedAt.get(n);
    if (at !== undefined) return at - committedAt;
    await sleep(20);
  }
}

function figuresOf(delays: readonly number[]) {
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.ceil(sorted.length * part) - 1] ?? 0);
  return { rows: sorted.length, "p50 ms": at(0.5), "p95 ms": at(0.95), "max ms": at(1) };
}

async function registerEndpoint(): Promise<string> {
  await using ingest = await spawnProgram("ingest", {
    ...environment(postgres.url),
    API_KEYS: "key",
    HOST: "127.0.0.1",
    PORT: "0",
  });
  const { address } = await ingest.waitForEvent("ingest.started");
  const { port } = receiver.address() as AddressInfo;
  const response = await fetch(`${String(address)}/endpoints`, {
    method: "POST",
    headers: { authorization: "Bearer key", "content-type": "application/json" },
    body: JSON.stringify({ url: `http://127.0.0.1:${port}/`, format: "raw" }),
  });
  return ((await response.json()) as { endpoint: { id: string } }).endpoint.id;
}

function environment(url: string) {
  return {
    DATABASE_URL: url,
    REDIS_URL: redis.url,
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    RATE_LIMIT_PER_SECOND: "0",
    WORKER_CONCURRENCY: "20",
  };
}
