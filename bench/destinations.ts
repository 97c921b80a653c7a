/**
 * `pnpm bench:destinations [--count 100000]`: one delivery to each of so many destinations (addresses of
 * 127.0.0.0/8, which on Linux are all this machine), and what the processes' memory is on the way.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Program } from "../tests/chaos/program.ts";
import { startStack, untilReady } from "../tests/chaos/stack.ts";

const BATCH = 1_000;
const ROWS_SHOWN = 10;
const LOOK_EVERY_MS = 200;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { count: { type: "string", default: "100000" } },
});
const count = Number(values.count);
let arrived = 0;
const server = createServer((request, response) => {
  request.resume();
  arrived++;
  response.writeHead(200).end();
});
server.listen(0, "0.0.0.0");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
const stack = await startStack({
  backend: "redis",
  folder,
  isDirect: true,
  env: { WORKER_CONCURRENCY: "50", RATE_LIMIT_PER_SECOND: "0", LOG_LEVEL: "warn" },
});
try {
  await untilReady(stack);
  const startedAt = performance.now();
  const show = (): void => {
    const memory = [...stack.ingests, ...stack.workers].map(
      (one) => `${one.name} ${residentMb(one)}`,
    );
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    console.log(`${arrived} destinations after ${seconds} s; MB: ${memory.join(", ")}`);
  };
  show();
  const posting = postAll();
  for (let shown = 1; shown <= ROWS_SHOWN; shown++) {
    while (arrived < (count * shown) / ROWS_SHOWN) await sleep(LOOK_EVERY_MS);
    show();
  }
  await posting;
  const [row] = await stack.sql<
    { known: number }[]
  >`select count(*)::int as known from destinations`;
  console.log(`${row?.known} rows in destinations`);
} finally {
  await stack.stop();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
}

async function postAll(): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const deliveries = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => ({
      webhookUrl: urlOf(from + n),
      payload: { n: from + n },
    }));
    const response = await fetch(`${stack.ingestUrls[0]}/webhook-delivery/batch`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ deliveries }),
    });
    if (response.status !== 202) throw new Error(`a batch was answered with ${response.status}`);
    await response.arrayBuffer();
  }
}

/** Each number has an address of its own. */
function urlOf(n: number): string {
  return `http://127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}:${port}/`;
}

function residentMb(program: Program): number {
  const status = readFileSync(`/proc/${program.pid()}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / 1_024);
}
