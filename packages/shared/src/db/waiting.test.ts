import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLOSED, type Circuit } from "../core/circuit.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint, newDelivery } from "../testing/factories.ts";
import { claimNow, grantLeases } from "../testing/leases.ts";
import { connectDatabase, type Sql } from "./client.ts";
import { findDelivery, insertDeliveries } from "./deliveries.ts";
import { saveDestinations } from "./destinations.ts";
import { createShard, ONE_SHARD } from "./scheduling.ts";
import { endWaitingOf, walkDestinations } from "./waiting.ts";

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
  await createShard(sql, ONE_SHARD);
});
afterAll(async () => {
  await sql.end();
  await database[Symbol.asyncDispose]();
});

const HORIZON_MS = 1_500;

interface Given {
  /** Milliseconds from now; negative: since then. */
  readonly dueInMs?: number;
  readonly endpointId?: string;
  readonly clientId?: string;
  readonly ageMs?: number;
}

async function accept(host: string, given: Given = {}): Promise<string> {
  const { dueInMs = 0, endpointId = null, clientId = null, ageMs = 0 } = given;
  const createdAt = new Date(Date.now() - ageMs);
  const webhookUrl = `https://${host}?x=1`;
  const row = newDelivery({ endpointId, clientId, webhookUrl, createdAt });
  await insertDeliveries(sql, [row]);
  await sql`
    update webhook_deliveries set next_retry_at = now() + ${dueInMs} * interval '1 millisecond'
    where id = ${row.id}`;
  return row.id;
}

const walk = (also: Partial<Parameters<typeof walkDestinations>[1]> = {}) =>
  walkDestinations(sql, {
    after: "",
    limit: 100,
    countUpTo: 21,
    horizonMs: HORIZON_MS,
    shard: ONE_SHARD,
    ...also,
  });

async function know(key: string, circuit: Partial<Circuit> = {}): Promise<void> {
  const record = { key, endpointId: null, clientId: null, isQuick: true };
  await saveDestinations(sql, [{ ...record, circuit: { ...CLOSED, ...circuit } }]);
}

describe("a walk over the destinations", () => {
  it("finds each with something due once, by endpoint or by URL, with what it needs to know", async () => {
    const endpointId = await insertEndpoint(sql, { rate_limit_per_second: 7, max_in_flight: 3 });
    await accept("a.example:8443/in", { dueInMs: -5_000 });
    await accept("a.example:8443/in");
    await accept("a.example:8443/in", { dueInMs: 60_000 });
    await accept("b.example/in", { dueInMs: 60_000 });
    await accept("elsewhere.example/in", { endpointId });
    await know("a.example:8443/in", { failuresInARow: 4, reason: "timeout" });
    const { found, next } = await walk();
    expect(next).toBeNull();
    expect(found).toHaveLength(2);
    expect(found.find(({ destination }) => destination === "a.example:8443/in")).toMatchObject({
      key: "a.example:8443/in",
      due: 2,
      waiting: 3,
      failuresInARow: 4,
      reason: "timeout",
      isEnded: false,
      limitPerSecond: null,
    });
    expect(found.find(({ destination }) => destination === endpointId)).toMatchObject({
      key: null,
      due: 1,
      endpointId,
      limitPerSecond: 7,
      maxInFlight: 3,
    });
  });

  it("counts no further than it looks, however much there is, and a few where all is well", async () => {
    for (const host of ["well.example", "failing.example", "new.example"]) {
      await insertDeliveries(
        sql,
        Array.from({ length: 30 }, () => newDelivery({ webhookUrl: `https://${host}/in` })),
      );
    }
    await know("well.example/in");
    await know("failing.example/in", { failuresInARow: 1 });
    expect((await walk({ countUpTo: 20 })).found).toMatchObject([
      { destination: "failing.example/in", due: 20, waiting: 20, countedUpTo: 20 },
      { destination: "new.example/in", due: 20, waiting: 20, countedUpTo: 20 },
      { destination: "well.example/in", due: 4, waiting: 4, countedUpTo: 4 },
    ]);
  });

  it("goes on behind the last one, and says when it is round", async () => {
    for (const host of ["c.example/in", "a.example/in", "b.example/in"]) await accept(host);
    const first = await walk({ limit: 2 });
    expect(first.found.map(({ destination }) => destination)).toEqual([
      "a.example/in",
      "b.example/in",
    ]);
    expect(first.next).toBe("b.example/in");
    const second = await walk({ limit: 2, after: "b.example/in" });
    expect(second.found.map(({ destination }) => destination)).toEqual(["c.example/in"]);
    expect(second.next).toBeNull();
  });

  it("counts nothing that is leased, in flight, held or a test", async () => {
    const [leased, inFlight, held] = [
      await accept("a.example/in"),
      await accept("a.example/in"),
      await accept("a.example/in"),
    ];
    await grantLeases(sql, [leased]);
    await claimNow(sql, inFlight);
    await sql`update webhook_deliveries set held = true where id = ${held}`;
    const test = newDelivery({ webhookUrl: "https://a.example/in", isTestDelivery: true });
    await insertDeliveries(sql, [test]);
    expect((await walk()).found).toEqual([]);
    await accept("a.example/in");
    expect((await walk()).found).toMatchObject([{ due: 1, waiting: 1 }]);
  });

  it("is of one shard, and all shards together are all destinations, once", async () => {
    const hosts = Array.from({ length: 40 }, (_, n) => `host-${n}.example/in`);
    for (const host of hosts) await accept(host);
    const shards = [0, 1, 2, 3].map((index) => walk({ shard: { index, count: 4 } }));
    const found = (await Promise.all(shards)).map((one) => one.found.map((row) => row.destination));
    expect(found.flat().toSorted()).toEqual(hosts.toSorted());
    for (const some of found) expect(some.length).toBeGreaterThan(0);
  });

  it("tells endpoints that are disabled or gone", async () => {
    const disabled = await insertEndpoint(sql, { enabled: false });
    const gone = randomUUID();
    await accept("a.example/in", { endpointId: disabled });
    await accept("a.example/in", { endpointId: gone });
    const { found } = await walk();
    expect(found.map(({ isEnded }) => isEnded)).toEqual([true, true]);
  });
});

describe("the time until more is due", () => {
  it("is that of the soonest, whether its destination has something due now or not", async () => {
    expect((await walk()).nextDueInMs).toBeNull();
    await accept("a.example/in", { dueInMs: 60_000 });
    await accept("b.example/in", { dueInMs: 90_000 });
    const later = (await walk()).nextDueInMs ?? 0;
    expect(later).toBeGreaterThan(50_000);
    expect(later).toBeLessThanOrEqual(60_000);
    await accept("c.example/in");
    await accept("c.example/in", { dueInMs: 30_000 });
    const sooner = (await walk()).nextDueInMs ?? 0;
    expect(sooner).toBeGreaterThan(20_000);
    expect(sooner).toBeLessThanOrEqual(30_000);
  });
});

describe("what waits for an endpoint that takes nothing", () => {
  it("has failed when it is disabled, and is cancelled when it is gone; tests and what is not due stay", async () => {
    const disabled = await insertEndpoint(sql, { enabled: false });
    const gone = randomUUID();
    const [failed, cancelled, later] = [
      await accept("a.example/in", { endpointId: disabled }),
      await accept("a.example/in", { endpointId: gone }),
      await accept("a.example/in", { endpointId: disabled, dueInMs: 60_000 }),
    ];
    const test = newDelivery({ endpointId: disabled, isTestDelivery: true });
    await insertDeliveries(sql, [test]);
    expect(await endWaitingOf(sql, [disabled, gone], 10)).toEqual([
      { id: failed, status: "failed" },
      { id: cancelled, status: "cancelled" },
    ]);
    const rows = [failed, cancelled, later, test.id].map((id) => findDelivery(sql, { id }));
    expect(await Promise.all(rows)).toMatchObject([
      { status: "failed", errorType: "endpoint_disabled", nextRetryAt: null },
      { status: "cancelled", errorType: null, nextRetryAt: null },
      { status: "pending" },
      { status: "pending" },
    ]);
  });

  it("ends so many at a time", async () => {
    const disabled = await insertEndpoint(sql, { enabled: false });
    for (let n = 0; n < 5; n++) await accept("a.example/in", { endpointId: disabled });
    expect(await endWaitingOf(sql, [disabled], 3)).toHaveLength(3);
    expect(await endWaitingOf(sql, [disabled], 3)).toHaveLength(2);
  });
});
