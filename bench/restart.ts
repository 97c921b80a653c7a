/**
 * `pnpm bench:restart [--rows 1200] [--concurrency 200] [--answer-ms 500]`: how soon everything has arrived
 * after a death. Posts `rows` deliveries to one receiver that takes `answer-ms`, and a second later
 *
 * - kills the only worker with SIGKILL and starts it again at once (on both queues);
 * - kills Redis, which keeps nothing, and starts it again after two seconds.
 *
 * Seconds count from the restart.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startStack, untilReady, type Backend, type Stack } from "../tests/chaos/stack.ts";

const LOOK_EVERY_MS = 20;
const REDIS_AWAY_MS = 2_000;
const BATCH = 400;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    rows: { type: "string", default: "1200" },
    concurrency: { type: "string", default: "200" },
    "answer-ms": { type: "string", default: "500" },
  },
});
const rows = Number(values.rows);
const arrivedAt = new Map<string, number>();
let requests = 0;
const server = createServer((request, response) => {
  requests++;
  const id = String(request.headers["webhook-id"]);
  if (!arrivedAt.has(id)) arrivedAt.set(id, performance.now());
  request.resume();
  setTimeout(() => response.end(), Number(values["answer-ms"]));
});
server.listen(0, "127.0.0.1", 4_096);
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const results: Record<string, unknown>[] = [];
for (const backend of ["redis", "postgres"] as const) {
  results.push(await play("worker killed", backend, killWorker));
}
results.push(await play("Redis killed", "redis", killRedis));
console.table(results);
server.closeAllConnections();
server.close();

/** When the restart was made. */
type Death = (stack: Stack) => Promise<number>;

async function killWorker({ workers: [worker] }: Stack): Promise<number> {
  await worker.kill("SIGKILL");
  worker.start();
  return performance.now();
}

async function killRedis({ victims }: Stack): Promise<number> {
  const redis = victims.find(({ name }) => name === "redis");
  await redis?.proxy.refuse();
  await sleep(REDIS_AWAY_MS);
  await redis?.restart("SIGKILL");
  await redis?.proxy.accept();
  return performance.now();
}

async function play(what: string, backend: Backend, die: Death): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
  const stack = await startStack({
    backend,
    folder,
    env: {
      WORKER_CONCURRENCY: values.concurrency,
      RATE_LIMIT_PER_SECOND: "0",
      DELIVERY_TIMEOUT_MS: "",
      RETRY_SCHEDULE_SECONDS: "",
      LOG_LEVEL: "warn",
    },
    postgresSettings: { fsync: "off", synchronous_commit: "off" },
  });
  try {
    await untilReady(stack);
    await stack.workers[1].kill("SIGTERM");
    arrivedAt.clear();
    requests = 0;
    await Promise.all(Array.from({ length: rows / BATCH }, () => post(stack)));
    await sleep(1_000);
    const before = arrivedAt.size;
    const restartedAt = await die(stack);
    while (arrivedAt.size < rows) await sleep(LOOK_EVERY_MS);
    const after = [...arrivedAt.values()].map((at) => (at - restartedAt) / 1_000);
    return {
      what,
      backend,
      "arrived before": before,
      "half of the rest after s": round(middle(after.slice(before))),
      "last arrival after s": round(Math.max(...after)),
      "delivered twice": requests - rows,
    };
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function post({ ingestUrls, apiKey }: Stack): Promise<void> {
  const deliveries = Array.from({ length: BATCH }, (_, n) => ({
    webhookUrl: url,
    payload: { n },
  }));
  const response = await fetch(`${ingestUrls[0]}/webhook-delivery/batch`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ deliveries }),
  });
  if (response.status !== 202) throw new Error(`a batch was answered with ${response.status}`);
  await response.arrayBuffer();
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
