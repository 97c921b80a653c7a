/**
 * `pnpm bench:latency [--count 200] [--backend both]`: from the 202 to the receiver on an idle machine, one
 * delivery at a time to a destination that is known. Beside it, in the same run, what one round trip to
 * PostgreSQL takes: the figures of a slow machine are read against that.
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

const BETWEEN_MS = 100;
const WARM_UP = 30;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    count: { type: "string", default: "200" },
    backend: { type: "string", default: "both" },
  },
});
const count = Number(values.count);
/** By delivery; whoever comes first, the request or who waits for it, makes the entry. */
const arrivals = new Map<string, PromiseWithResolvers<number>>();
const server = createServer((request, response) => {
  arrivalOf(String(request.headers["webhook-id"])).resolve(performance.now());
  request.resume().on("end", () => response.end());
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const rows: Record<string, unknown>[] = [];
for (const backend of values.backend === "both" ? ["redis", "postgres"] : [values.backend]) {
  rows.push(await measure(backend as Backend));
}
console.table(rows);
server.closeAllConnections();
server.close();

async function measure(backend: Backend): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
  const stack = await startStack({
    backend,
    folder,
    isDirect: true,
    env: {
      WORKER_CONCURRENCY: "",
      RATE_LIMIT_PER_SECOND: "",
      RETRY_SCHEDULE_SECONDS: "",
      LOG_LEVEL: "warn",
    },
    postgresSettings: { fsync: "off", synchronous_commit: "off" },
  });
  try {
    await untilReady(stack);
    const took: number[] = [];
    const roundTrips: number[] = [];
    for (let n = 0; n < WARM_UP + count; n++) {
      const ms = await deliverOne(stack);
      const askedAt = performance.now();
      await stack.sql`select 1`;
      if (n >= WARM_UP) {
        took.push(ms);
        roundTrips.push(performance.now() - askedAt);
      }
      await sleep(BETWEEN_MS);
    }
    return {
      backend,
      "p50 ms": percentile(took, 0.5),
      "p90 ms": percentile(took, 0.9),
      "p99 ms": percentile(took, 0.99),
      "round trip p50 ms": percentile(roundTrips, 0.5),
      "p50 in round trips": Math.round(percentile(took, 0.5) / percentile(roundTrips, 0.5)),
    };
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** From the answer, read, to the request's head at the receiver; 0 when that came first. */
async function deliverOne({ ingestUrls, apiKey }: Stack): Promise<number> {
  const response = await fetch(`${ingestUrls[0]}/webhook-delivery`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ webhookUrl: url, payload: { n: 1 } }),
  });
  const answeredAt = performance.now();
  const { delivery } = (await response.json()) as { delivery: { id: string } };
  const at = await arrivalOf(delivery.id).promise;
  arrivals.delete(delivery.id);
  return Math.max(0, at - answeredAt);
}

function arrivalOf(id: string): PromiseWithResolvers<number> {
  const arrival = arrivals.get(id) ?? Promise.withResolvers<number>();
  arrivals.set(id, arrival);
  return arrival;
}

function percentile(given: readonly number[], fraction: number): number {
  const sorted = given.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? NaN;
  return Math.round(found * 10) / 10;
}
