import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { newDelivery } from "../testing/factories.ts";
import { claimNow } from "../testing/leases.ts";
import { claimDeliveries } from "./claims.ts";
import { connectDatabase, inTransaction, type Sql } from "./client.ts";
import { insertDeliveries } from "./deliveries.ts";
import { removeExpiredLeases, returnLeases, revokeLeases, takeLeases } from "./leases.ts";
import {
  createShard,
  leaseByAge,
  leaseByDueTime,
  leaseTests,
  ONE_SHARD,
  openRound,
  type Grant,
  type GrantOptions,
} from "./scheduling.ts";

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

const ME = randomUUID();

/** Of a round that begins now. */
async function options(also: Partial<GrantOptions> = {}): Promise<GrantOptions> {
  const [row] = await sql<{ version: number }[]>`
    select version::float8 from delivery_schedulers where shard = 0`;
  return {
    shard: ONE_SHARD,
    version: row?.version ?? -1,
    workerId: ME,
    horizonMs: HORIZON_MS,
    leaseMs: 10_000,
    mostForSelf: 0,
    ...also,
  };
}

function grant(destination: string, count: number, also: Partial<Grant> = {}): Grant {
  return { destination, count, kind: "normal", sinceMs: null, ...also };
}

const lease = async (...grants: Grant[]) => leaseByDueTime(sql, grants, await options());
const leaseIds = async (...grants: Grant[]) =>
  (await lease(...grants)).map(({ deliveryId }) => deliveryId).toSorted();
const leaseIdsByAge = async (...grants: Grant[]) =>
  (await leaseByAge(sql, grants, await options())).map(({ deliveryId }) => deliveryId).toSorted();

describe("granting leases", () => {
  it("gives each to one of many rounds at once", async () => {
    const rows = Array.from({ length: 200 }, () => newDelivery());
    await insertDeliveries(sql, rows);
    const schedule = async (): Promise<string[]> => {
      const leased: string[] = [];
      while (leased.length < 1_000) {
        const left = await sql`select from delivery_leases`;
        if (left.count === rows.length) break;
        leased.push(...(await leaseIds(grant("example.com/", 7))));
      }
      return leased;
    };
    const leased = await Promise.all(Array.from({ length: 10 }, schedule));
    expect(leased.flat().toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
  });

  it("counts for the round alone whose version is the present one", async () => {
    await accept("a.example/in");
    await accept("a.example/in");
    const began = await options();
    expect(await leaseByDueTime(sql, [grant("a.example/in", 1)], began)).toHaveLength(1);
    // Another round had begun with the same version, and is too late.
    expect(await leaseByDueTime(sql, [grant("a.example/in", 1)], began)).toEqual([]);
    expect(await lease(grant("a.example/in", 1))).toHaveLength(1);
  });

  it("grants nothing after a revocation that the round did not see, whoever commits first", async () => {
    const [first, second] = [await accept("a.example/in"), await accept("a.example/in")];
    const began = await options();
    const mayCommit = Promise.withResolvers<void>();
    const hasRevoked = Promise.withResolvers<void>();
    const revoking = inTransaction(sql, async (tx) => {
      await revokeLeases(tx, ["a.example/in"]);
      hasRevoked.resolve();
      await mayCommit.promise;
    });
    await hasRevoked.promise;
    const granting = leaseByDueTime(sql, [grant("a.example/in", 2)], began);
    await expect
      .poll(async () => {
        const waiting = await sql`
          select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        return waiting.count;
      })
      .toBe(1);
    mayCommit.resolve();
    await revoking;
    expect(await granting).toEqual([]);
    // And the other way round: what was granted before it is revoked by it.
    expect(await leaseIds(grant("a.example/in", 2))).toEqual([first, second].toSorted());
    await inTransaction(sql, (tx) => revokeLeases(tx, ["a.example/in"]));
    expect(await sql`select from delivery_leases`).toEqual([]);
  });

  it("takes what has been due longest, up to its count, of each destination", async () => {
    await accept("a.example/in", { dueInMs: -1_000 });
    const oldest = await accept("a.example/in", { dueInMs: -9_000 });
    const older = await accept("a.example/in", { dueInMs: -5_000 });
    const other = await accept("b.example/in");
    await accept("c.example/in");
    const leased = await leaseIds(grant("a.example/in", 2), grant("b.example/in", 5));
    expect(leased).toEqual([oldest, older, other].toSorted());
  });

  it("takes one in four from the newest of a normal grant, so that they overtake a backlog", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.push(await accept("a.example/in", { dueInMs: n - 60_000 }));
    const first = await leaseIds(grant("a.example/in", 4));
    expect(first).toEqual([...ids.slice(0, 3), ...ids.slice(11)].toSorted());
    const beside = await leaseIds(grant("a.example/in", 4, { kind: "low" }));
    expect(beside).toEqual(ids.slice(3, 7).toSorted());
    // What is both is one.
    expect(await leaseIds(grant("a.example/in", 40))).toHaveLength(4);
  });

  it("takes what will be due within the horizon, with the wait until then, and nothing later", async () => {
    const soon = await accept("a.example/in", { dueInMs: 1_400 });
    await accept("a.example/in", { dueInMs: 60_000 });
    const leased = await lease(grant("a.example/in", 5));
    expect(leased.map(({ deliveryId }) => deliveryId)).toEqual([soon]);
    expect(leased[0]?.delayMs).toBeGreaterThan(0);
    expect(leased[0]?.delayMs).toBeLessThanOrEqual(1_400);
  });

  it("takes nothing that is leased, until the lease has expired or was returned", async () => {
    const [returned, expired] = [await accept("a.example/in"), await accept("a.example/in")];
    await lease(grant("a.example/in", 5));
    expect(await leaseIds(grant("a.example/in", 5))).toEqual([]);
    await returnLeases(sql, [returned]);
    expect(await leaseIds(grant("a.example/in", 5))).toEqual([returned]);
    await sql`
      update delivery_leases set starts_at = now() - interval '10 seconds', expires_at = now()
      where delivery_id = ${expired}`;
    await removeExpiredLeases(sql);
    expect(await leaseIds(grant("a.example/in", 5))).toEqual([expired]);
  });

  it("takes the oldest first by age, whatever is due longer", async () => {
    const newer = await accept("a.example/in", { dueInMs: -9_000 });
    const older = await accept("a.example/in", { dueInMs: -1_000, ageMs: 60_000 });
    const probe = grant("a.example/in", 1, { kind: "probe" });
    expect(await leaseIdsByAge(probe)).toEqual([older]);
    expect(await leaseIdsByAge(probe)).toEqual([newer]);
  });

  it("takes early what was tried before its destination changed its state, and it can be claimed", async () => {
    const sinceMs = Date.now() - 1_000;
    const triedBefore = await accept("a.example/in", { dueInMs: 60_000, ageMs: 90_000 });
    const triedSince = await accept("a.example/in", { dueInMs: 60_000, ageMs: 80_000 });
    const ourFault = await accept("a.example/in", { dueInMs: 60_000, ageMs: 70_000 });
    const untried = await accept("a.example/in");
    await sql`update webhook_deliveries set sent_at = now() - interval '30 seconds'
      where id = any(${[triedBefore, ourFault]}::uuid[])`;
    await sql`update webhook_deliveries set sent_at = now() where id = ${triedSince}`;
    await sql`update webhook_deliveries set internal_faults = 1 where id = ${ourFault}`;
    const half = grant("a.example/in", 9, { kind: "low", sinceMs });
    expect(await leaseIdsByAge(half)).toEqual([triedBefore, untried].toSorted());
    const wanted = { deliveryId: triedBefore, claimId: randomUUID() };
    expect(await claimDeliveries(sql, ME, [wanted])).toMatchObject([{ id: triedBefore }]);
  });

  it("takes so many for the worker that asks, of what may start now; the others are taken once", async () => {
    for (let n = 0; n < 6; n++) await accept("a.example/in", { dueInMs: n - 1_000 });
    await accept("a.example/in", { dueInMs: 1_000 });
    const leased = await leaseByDueTime(
      sql,
      [grant("a.example/in", 9, { kind: "low" })],
      await options({ mostForSelf: 2 }),
    );
    expect(leased.filter(({ isTaken }) => isTaken)).toHaveLength(2);
    const workers = Array.from({ length: 4 }, () => randomUUID());
    const taken = await Promise.all(
      workers.map((workerId) => takeLeases(sql, { workerId, limit: 3 })),
    );
    const others = leased.filter(({ isTaken, delayMs }) => !isTaken && delayMs === 0);
    expect(
      taken
        .flat()
        .map(({ deliveryId }) => deliveryId)
        .toSorted(),
    ).toEqual(others.map(({ deliveryId }) => deliveryId).toSorted());
  });

  it("takes tests whatever is known of their destination, each as a destination of its own", async () => {
    const test = newDelivery({ isTestDelivery: true });
    await insertDeliveries(sql, [test, newDelivery()]);
    expect(await leaseTests(sql, 10, await options())).toMatchObject([
      { deliveryId: test.id, destination: test.id, kind: "trial", delayMs: 0 },
    ]);
  });
});

describe("a round", () => {
  const open = (workerId: string = ME) => openRound(sql, { shard: ONE_SHARD, workerId });

  it("sees what is leased and in flight by destination and kind, and whether tests wait", async () => {
    await accept("a.example/in");
    await accept("a.example/in");
    await accept("b.example/in");
    await lease(grant("a.example/in", 1), grant("b.example/in", 1, { kind: "trial" }));
    const [inFlight] = await leaseIds(grant("a.example/in", 1, { kind: "low" }));
    await claimDeliveries(sql, ME, [{ deliveryId: inFlight ?? "", claimId: randomUUID() }]);
    await insertDeliveries(sql, [newDelivery({ isTestDelivery: true })]);
    const round = await open();
    expect(round).toMatchObject({ hasTests: true, workers: 0 });
    expect(round?.rows.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toMatchObject([
      { destination: "a.example/in", kind: "low", leased: 0, inFlight: 1 },
      { destination: "a.example/in", kind: "normal", leased: 1, inFlight: 0 },
      { destination: "b.example/in", kind: "trial", leased: 1, inFlight: 0 },
    ]);
  });

  it("counts a test in flight for no destination but its own", async () => {
    const test = newDelivery({ webhookUrl: "https://a.example/in", isTestDelivery: true });
    await insertDeliveries(sql, [test]);
    await claimNow(sql, test.id);
    expect((await open())?.rows).toMatchObject([{ destination: test.id, inFlight: 1 }]);
  });

  it("is for the worker that granted last, until its lead ends", async () => {
    await accept("a.example/in");
    const other = randomUUID();
    expect(await open(other)).toBeDefined();
    await lease(grant("a.example/in", 1));
    expect(await open(other)).toBeUndefined();
    expect(await open()).toBeDefined();
    await sql`update delivery_schedulers set leads_until = now()`;
    expect(await open(other)).toBeDefined();
  });

  it("needs the shard's row, which is made again after a crash of PostgreSQL", async () => {
    await sql`truncate delivery_schedulers`;
    expect(await open()).toBeUndefined();
    await createShard(sql, ONE_SHARD);
    await createShard(sql, ONE_SHARD);
    expect(await open()).toMatchObject({ version: 0, rows: [] });
  });
});
