/**
 * `pnpm bench:requeue [--rows 100000] [--concurrency 50] [--backend redis]`: how long a backlog takes after
 * the queue was emptied, and what new deliveries wait meanwhile.
 *
 * A worker stands before `rows` pending deliveries that no queue knows of; a third of the way Redis is
 * flushed. Every half second a new delivery is posted; the time until the receiver has it is the delay.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { startStack, untilReady, type Stack } from "../tests/chaos/stack.ts";

const PROBE_EVERY_MS = 500;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    rows: { type: "string", default: "100000" },
    concurrency: { type: "string", default: "50" },
    backend: { type: "string", default: "redis" },
  },
});
const rowCount = Number(values.rows);
const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
const receiver = await startReceiver();
const stack = await startStack({
  backend: values.backend === "postgres" ? "postgres" : "redis",
  folder,
  env: { WORKER_CONCURRENCY: values.concurrency, LOG_LEVEL: "warn" },
  // The disk of a shared machine would be all that is measured.
  isDirect: true,
  postgresSettings: { fsync: "off", synchronous_commit: "off" },
});
try {
  await untilReady(stack);
  await Promise.all(stack.workers.map((worker) => worker.kill("SIGTERM")));
  await insertBacklog(stack.sql, rowCount, receiver.url);
  const startedAt = performance.now();
  stack.workers[0].start();
  const probing = probe(stack, receiver);

  await receiver.reached(rowCount / 3);
  await stack.flushRedis();
  console.log(`queue emptied after ${seconds(startedAt)} s`);
  await receiver.reached(rowCount);
  const took = seconds(startedAt);
  const delays = (await probing.stop()).sort((a, b) => a - b);
  console.table({
    rows: rowCount,
    "all delivered after s": took,
    "per second": Math.round(rowCount / took),
    "delivered twice": receiver.repeats(),
    "new deliveries": delays.length,
    "their delay p50 ms": Math.round(delays[Math.floor(delays.length / 2)] ?? 0),
    "their delay max ms": Math.round(delays.at(-1) ?? 0),
  });
} finally {
  await stack.stop();
  receiver.close();
  await rm(folder, { recursive: true, force: true });
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 100) / 10;
}

async function insertBacklog(sql: Sql, count: number, url: string): Promise<void> {
  await sql`
    insert into webhook_deliveries
      (id, event_type, webhook_url, payload, body, format, max_attempts, next_retry_at)
    select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(n::text), 1, 3) || '8' || substr(md5('b' || n), 1, 15))::uuid,
      'lead.captured', ${`${url}backlog`}, '{}', '{}', 'raw', 4, now()
    from generate_series(1, ${count}::int) as n`;
  await sql`analyze webhook_deliveries`;
}

async function startReceiver() {
  const counts = new Map<string, number>();
  const probes = new Map<string, (at: number) => void>();
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const { url = "" } = request;
    request.resume().on("end", () => response.end());
    probes.get(url)?.(performance.now());
    if (url !== "/backlog") return;
    const id = String(request.headers["webhook-id"]);
    counts.set(id, (counts.get(id) ?? 0) + 1);
    for (const one of waiting) if (counts.size >= one.count) one.resolve();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    probes,
    reached: (count: number) =>
      new Promise<void>((resolve) => {
        waiting.push({ count, resolve });
      }),
    repeats: () => [...counts.values()].filter((count) => count > 1).length,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Posts one delivery after the other; resolves at `stop` with what each took to arrive. */
function probe(
  { ingestUrls, apiKey }: Stack,
  { url, probes }: { url: string; probes: Map<string, (at: number) => void> },
) {
  let isStopped = false;
  const delays: Promise<number>[] = [];
  const running = (async () => {
    for (let n = 0; !isStopped; n++) {
      const postedAt = performance.now();
      delays.push(
        new Promise((resolve) => probes.set(`/probe-${n}`, (at) => resolve(at - postedAt))),
      );
      await fetch(`${ingestUrls[0]}/webhook-delivery`, {
        method: "POST",
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ webhookUrl: `${url}probe-${n}`, payload: { n } }),
      });
      await sleep(PROBE_EVERY_MS);
    }
  })();
  return {
    async stop(): Promise<number[]> {
      isStopped = true;
      await running;
      return Promise.all(delays);
    },
  };
}
