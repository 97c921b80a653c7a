import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLOSED, type Circuit } from "@webhook-delivery/shared/core/circuit.ts";
import type { Permit } from "@webhook-delivery/shared/core/permit.ts";
import { connectDatabase, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { insertDeliveries } from "@webhook-delivery/shared/db/deliveries.ts";
import { saveDestinations } from "@webhook-delivery/shared/db/destinations.ts";
import type { Shard } from "@webhook-delivery/shared/db/scheduling.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import { createWorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import { createRunner } from "@webhook-delivery/shared/queue/runner.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { insertEndpoint, newDelivery } from "@webhook-delivery/shared/testing/factories.ts";
import { createScheduler } from "./scheduler.ts";

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 12 });
});
beforeEach(async () => {
  await sql`
    truncate webhook_deliveries, webhook_delivery_logs, destinations, delivery_leases,
      delivery_schedulers cascade`;
});
afterAll(async () => {
  await sql.end();
  await database[Symbol.asyncDispose]();
});

interface Given {
  readonly shard?: Shard;
  readonly concurrency?: number;
  readonly rateLimitPerSecond?: number;
}

/** What it lets its own worker run. */
function start({ shard, concurrency = 5, rateLimitPerSecond = 0 }: Given = {}) {
  const ran: Permit[] = [];
  const onError = (error: unknown): never => {
    throw error;
  };
  const runner = createRunner({
    slots: 100,
    run: async (permit) => void ran.push(permit),
    onFailed: onError,
  });
  const scheduler = createScheduler({
    sql,
    producer: createProducer({ location: { kind: "postgres" }, sql, onError }),
    runner,
    workerId: randomUUID(),
    log: createLog("worker", "silent"),
    metrics: createWorkerMetrics(() => 0),
    capacity: { concurrency, rateLimitPerSecond },
    monotonicNow: () => performance.now(),
    ...(shard && { shard }),
  });
  return { ran, schedule: () => scheduler.scheduleOnce() };
}

async function accept(count: number, also: Parameters<typeof newDelivery>[0]): Promise<string[]> {
  const rows = Array.from({ length: count }, () => newDelivery(also));
  await insertDeliveries(sql, rows);
  return rows.map(({ id }) => id);
}

async function know(key: string, circuit: Partial<Circuit> = {}): Promise<void> {
  const record = { key, endpointId: null, clientId: null, isQuick: true };
  await saveDestinations(sql, [{ ...record, circuit: { ...CLOSED, ...circuit } }]);
}

async function leasedBy(destination: string): Promise<number> {
  const leases = await sql`select from delivery_leases where destination = ${destination}`;
  return leases.count;
}

describe("a scheduler", () => {
  it("leases what is due of a destination that is well, and two of one that was never tried", async () => {
    await know("well.example/in");
    await accept(30, { webhookUrl: "https://well.example/in" });
    await accept(30, { webhookUrl: "https://new.example/in" });
    const { schedule, ran } = start();
    await schedule();
    expect(await leasedBy("well.example/in")).toBe(30);
    expect(await leasedBy("new.example/in")).toBe(2);
    expect(new Set(ran.map(({ kind }) => kind))).toEqual(new Set(["normal", "trial"]));
    // The key that tells them apart holds nothing of a URL, which may hold a secret.
    expect(new Set(ran.map((permit) => permit.destinationKey)).size).toBe(2);
    expect(JSON.stringify(ran)).not.toContain("example");
  });

  it("lets no more start than maxInFlight, however many schedulers run and attempts end", async () => {
    const endpointId = await insertEndpoint(sql, { max_in_flight: 3 });
    await know(endpointId);
    await accept(40, { endpointId });
    const schedulers = Array.from({ length: 6 }, () => start());
    for (let round = 0; round < 5; round++) {
      await sql`update delivery_schedulers set leads_until = now()`;
      await Promise.all(schedulers.map(({ schedule }) => schedule()));
      const [outstanding] = await sql<{ count: number }[]>`
        select (select count(*) from delivery_leases)::int
          + (select count(*) from webhook_deliveries where status = 'sent')::int as count`;
      expect(outstanding?.count).toBe(3);
      // One is on its way, one was given up: room for one.
      await sql`
        with taken as (
          delete from delivery_leases where delivery_id = (select delivery_id from delivery_leases limit 1)
          returning delivery_id
        )
        update webhook_deliveries
        set status = 'sent', next_retry_at = null, claim_id = id, worker_id = id
        where id = (select delivery_id from taken)`;
      await sql`
        update webhook_deliveries
        set status = 'success', delivered_at = now(), claim_id = null, worker_id = null
        where status = 'sent'`;
    }
  });

  it("of each of four shards leases what is its own, all at once and nothing twice", async () => {
    const urls = Array.from({ length: 40 }, (_, n) => `https://host-${n}.example/in`);
    for (const webhookUrl of urls) {
      await know(webhookUrl.slice("https://".length));
      await accept(3, { webhookUrl });
    }
    const shards = [0, 1, 2, 3].map((index) => start({ shard: { index, count: 4 } }));
    await Promise.all(shards.map(({ schedule }) => schedule()));
    const ran = shards.map((one) => one.ran.map(({ deliveryId }) => deliveryId));
    for (const some of ran) expect(some.length).toBeGreaterThan(0);
    const leases = await sql`select from delivery_leases`;
    expect(leases.count).toBe(120);
    expect(new Set(ran.flat()).size).toBe(ran.flat().length);
  });

  it("opens the circuit of one that fails and has much waiting, and revokes what it has leased", async () => {
    await know("dead.example/in", { failuresInARow: 9, reason: "timeout" });
    await accept(30, { webhookUrl: "https://dead.example/in" });
    const { schedule } = start();
    await schedule();
    expect(await leasedBy("dead.example/in")).toBe(5);
    await know("dead.example/in", { failuresInARow: 10, reason: "timeout" });
    expect(await schedule()).toBe(0);
    expect(await leasedBy("dead.example/in")).toBe(0);
    expect(await sql`select state from destinations`).toMatchObject([{ state: "open" }]);
    await schedule();
    expect(await leasedBy("dead.example/in")).toBe(0);
  });

  it("ends what waits for an endpoint that is disabled, and makes a test all the same", async () => {
    const endpointId = await insertEndpoint(sql, { enabled: false });
    await accept(3, { endpointId });
    const [test] = await accept(1, { endpointId, isTestDelivery: true });
    const { schedule, ran } = start();
    await schedule();
    expect(ran.map(({ deliveryId }) => deliveryId)).toEqual([test]);
    const rows = await sql`select status from webhook_deliveries where not is_test_delivery`;
    expect(rows).toEqual(Array.from({ length: 3 }, () => ({ status: "failed" })));
  });

  it("gives one client's single delivery its turn before the flood of another", async () => {
    const [flooding, single] = [randomUUID(), randomUUID()];
    await know("flood.example/in");
    await know("single.example/in");
    await accept(500, { clientId: flooding, webhookUrl: "https://flood.example/in" });
    await accept(1, { clientId: single, webhookUrl: "https://single.example/in" });
    const { schedule } = start({ rateLimitPerSecond: 50 });
    await schedule();
    expect(await leasedBy("single.example/in")).toBe(1);
    expect(await leasedBy("flood.example/in")).toBe(14);
  });

  it("asks for the next round at once while capacity is short, and rests when all is leased", async () => {
    await know("much.example/in");
    await accept(100, { webhookUrl: "https://much.example/in" });
    const { schedule } = start({ rateLimitPerSecond: 50 });
    expect(await schedule()).toBeLessThanOrEqual(50);
    await sql`delete from webhook_deliveries`;
    await sql`delete from delivery_leases`;
    expect(await schedule()).toBe(500);
  });

  it("walks on where the round before ended, so that every destination has its turn", async () => {
    for (let n = 0; n < 1_200; n += 400) {
      await insertDeliveries(
        sql,
        Array.from({ length: 400 }, (_, m) =>
          newDelivery({ webhookUrl: `https://many.example/${n + m}` }),
        ),
      );
    }
    const { schedule } = start({ concurrency: 200 });
    for (let round = 0; round < 3; round++) {
      await schedule();
      await sql`
        update webhook_deliveries set status = 'cancelled', next_retry_at = null
        where id in (select delivery_id from delivery_leases)`;
      await sql`delete from delivery_leases`;
    }
    const [left] = await sql<{ least: string }[]>`
      select min(destination) as least from webhook_deliveries where status = 'cancelled'
        and destination > 'many.example/7'`;
    expect(left?.least).toBeDefined();
  });
});
