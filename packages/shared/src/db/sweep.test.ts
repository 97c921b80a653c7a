import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { randomUUID } from "node:crypto";
import { CLOSED, type Circuit } from "../core/circuit.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint, newDelivery } from "../testing/factories.ts";
import { claimDeliveries } from "./claims.ts";
import { connectDatabase, inTransaction, type Sql } from "./client.ts";
import { insertDeliveries } from "./deliveries.ts";
import { saveDestinations } from "./destinations.ts";
import {
  countOutstanding,
  endLeases,
  leaseShares,
  lockSweep,
  returnLeases,
  walkDestinations,
  type Share,
} from "./sweep.ts";

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 12 });
});
beforeEach(async () => {
  await sql`truncate webhook_deliveries, webhook_delivery_logs, destinations cascade`;
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
  walkDestinations(sql, { after: "", limit: 100, look: 50, horizonMs: HORIZON_MS, ...also });

function share(destination: string, count: number, also: Partial<Share> = {}): Share {
  return { destination, count, lane: "main", order: "due", sinceMs: null, ...also };
}

const lease = (...shares: Share[]) =>
  leaseShares(sql, shares, { horizonMs: HORIZON_MS, leaseMs: 10_000 });
const leaseIds = async (...shares: Share[]) =>
  (await lease(...shares)).map(({ id }) => id).toSorted();

async function know(key: string, circuit: Partial<Circuit> = {}): Promise<void> {
  const record = { key, endpointId: null, clientId: null, isQuick: true };
  await saveDestinations(sql, [{ ...record, circuit: { ...CLOSED, ...circuit } }]);
}

const claim = async (...ids: string[]) =>
  claimDeliveries(
    sql,
    ids.map((deliveryId) => ({ deliveryId, workerId: randomUUID(), claimId: randomUUID() })),
  );

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
      free: 2,
      waiting: 3,
      outstanding: 0,
      failuresInARow: 4,
      reason: "timeout",
      isEnded: false,
      limitPerSecond: null,
    });
    expect(found.find(({ destination }) => destination === endpointId)).toMatchObject({
      key: null,
      free: 1,
      endpointId,
      limitPerSecond: 7,
      maxInFlight: 3,
    });
  });

  it("counts no further than it looks, however much there is", async () => {
    await insertDeliveries(
      sql,
      Array.from({ length: 30 }, () => newDelivery({ webhookUrl: "https://much.example/in" })),
    );
    const { found } = await walk({ look: 20 });
    expect(found).toMatchObject([{ destination: "much.example/in", free: 20, waiting: 20 }]);
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

  it("counts what is queued or in flight as outstanding, and finds nothing where all is", async () => {
    const [first, second] = [await accept("a.example/in"), await accept("a.example/in")];
    await accept("a.example/in");
    await lease(share("a.example/in", 2));
    await claim(first);
    expect((await walk()).found).toMatchObject([{ free: 1, outstanding: 2 }]);
    expect(await countOutstanding(sql)).toMatchObject({ mainQueued: 1, mainInFlight: 1, side: 0 });
    await lease(share("a.example/in", 2, { lane: "side" }));
    expect((await walk()).found).toEqual([]);
    expect(second).not.toBe("");
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

describe("leasing shares", () => {
  it("gives each to one of many that sweep at once", async () => {
    const rows = Array.from({ length: 200 }, () => newDelivery());
    await insertDeliveries(sql, rows);
    const sweep = async (): Promise<string[]> => {
      const leased: string[] = [];
      for (;;) {
        const ids = await leaseIds(share("example.com/", 7));
        if (ids.length === 0) return leased;
        leased.push(...ids);
      }
    };
    const leased = await Promise.all(Array.from({ length: 10 }, sweep));
    expect(leased.flat().toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
  });

  it("takes what has been due longest, up to its count, of each destination", async () => {
    await accept("a.example/in", { dueInMs: -1_000 });
    const oldest = await accept("a.example/in", { dueInMs: -9_000 });
    const older = await accept("a.example/in", { dueInMs: -5_000 });
    const other = await accept("b.example/in");
    await accept("c.example/in");
    const leased = await leaseIds(share("a.example/in", 2), share("b.example/in", 5));
    expect(leased).toEqual([oldest, older, other].toSorted());
  });

  it("takes one in four from the newest on the main lane, so that they overtake a backlog", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.push(await accept("a.example/in", { dueInMs: n - 60_000 }));
    const first = await leaseIds(share("a.example/in", 4));
    expect(first).toEqual([...ids.slice(0, 3), ...ids.slice(11)].toSorted());
    const beside = await leaseIds(share("a.example/in", 4, { lane: "side" }));
    expect(beside).toEqual(ids.slice(3, 7).toSorted());
    // What is both is one.
    expect(await leaseIds(share("a.example/in", 40))).toHaveLength(4);
  });

  it("takes what will be due within the horizon, with the wait until then, and nothing later", async () => {
    const soon = await accept("a.example/in", { dueInMs: 1_400 });
    await accept("a.example/in", { dueInMs: 60_000 });
    const leased = await lease(share("a.example/in", 5));
    expect(leased.map(({ id }) => id)).toEqual([soon]);
    expect(leased[0]?.delayMs).toBeGreaterThan(0);
    expect(leased[0]?.delayMs).toBeLessThanOrEqual(1_400);
  });

  it("takes nothing that is leased, until the lease has ended or was given back", async () => {
    const [returned, ended] = [await accept("a.example/in"), await accept("a.example/in")];
    await lease(share("a.example/in", 5));
    expect(await leaseIds(share("a.example/in", 5))).toEqual([]);
    await returnLeases(sql, [returned]);
    expect(await leaseIds(share("a.example/in", 5))).toEqual([returned]);
    await sql`update webhook_deliveries set queued_until = now() where id = ${ended}`;
    await endLeases(sql);
    expect(await leaseIds(share("a.example/in", 5))).toEqual([ended]);
  });

  it("takes the oldest first by age, whatever is due longer", async () => {
    const newer = await accept("a.example/in", { dueInMs: -9_000 });
    const older = await accept("a.example/in", { dueInMs: -1_000, ageMs: 60_000 });
    const probe = share("a.example/in", 1, { lane: "probe", order: "age" });
    expect(await leaseIds(probe)).toEqual([older]);
    expect(await leaseIds(probe)).toEqual([newer]);
  });

  it("takes early what was tried before its destination changed its state, and it can be claimed", async () => {
    const sinceMs = Date.now() - 1_000;
    const triedBefore = await accept("a.example/in", { dueInMs: 60_000, ageMs: 90_000 });
    const triedSince = await accept("a.example/in", { dueInMs: 60_000, ageMs: 80_000 });
    const ourFault = await accept("a.example/in", { dueInMs: 60_000, ageMs: 70_000 });
    const untried = await accept("a.example/in");
    const half = share("a.example/in", 9, { lane: "side", order: "age", sinceMs });
    await know("a.example/in", { state: "half_open", sinceMs, ratePerSecond: 2 });
    await sql`update webhook_deliveries set sent_at = now() - interval '30 seconds'
      where id = any(${[triedBefore, ourFault]}::uuid[])`;
    await sql`update webhook_deliveries set sent_at = now() where id = ${triedSince}`;
    await sql`update webhook_deliveries set internal_faults = 1 where id = ${ourFault}`;
    expect(await leaseIds(half)).toEqual([triedBefore, untried].toSorted());
    expect(await claim(triedBefore)).toMatchObject([{ outcome: "claimed", id: triedBefore }]);
    const [row] = await sql`select released_at from destinations where key = 'a.example/in'`;
    expect(row?.["released_at"]).toBeInstanceOf(Date);
  });
});

describe("the lock of the sweep", () => {
  it("is for one at a time, and ends with the transaction", async () => {
    await inTransaction(sql, async (tx) => {
      expect(await lockSweep(tx)).toBe(true);
      expect(await inTransaction(sql, lockSweep)).toBe(false);
    });
    expect(await inTransaction(sql, lockSweep)).toBe(true);
  });
});

describe("a claim", () => {
  const claimOne = async (id: string) => (await claim(id))[0];

  it.each<[string, Partial<Circuit>, boolean, Share["lane"], string]>([
    ["a well one on the main lane", {}, true, "main", "claimed"],
    ["a slow one on the main lane", {}, false, "main", "put back"],
    ["a slow one on the side lane", {}, false, "side", "claimed"],
    ["a paused one", { pausedUntilMs: Date.now() + 60_000 }, true, "main", "put back"],
    ["one whose pause is over", { pausedUntilMs: Date.now() - 1 }, true, "main", "claimed"],
    ["an open one", { state: "open", probeAtMs: 0 }, true, "side", "put back"],
    ["an open one's probe", { state: "open", probeAtMs: 0 }, true, "probe", "claimed"],
    ["a half open one", { state: "half_open", ratePerSecond: 2 }, true, "side", "claimed"],
  ])("of %s", async (_what, circuit, isQuick, lane, expected) => {
    const id = await accept("a.example/in");
    await lease(share("a.example/in", 1, { lane }));
    const record = { key: "a.example/in", endpointId: null, clientId: null, isQuick };
    await saveDestinations(sql, [{ ...record, circuit: { ...CLOSED, ...circuit } }]);
    const claimed = await claimOne(id);
    const [row] = await sql`
      select status, attempt, queued_until from webhook_deliveries where id = ${id}`;
    if (expected === "claimed") {
      expect(claimed).toMatchObject({ outcome: "claimed", isProbe: lane === "probe" });
      expect(row).toMatchObject({ status: "sent", attempt: 1 });
    } else {
      expect(claimed).toBeUndefined();
      expect(row).toEqual({ status: "pending", attempt: 0, queued_until: null });
    }
  });

  it("is granted on the main lane while its destination has few enough in flight", async () => {
    const ids = [
      await accept("a.example/in"),
      await accept("a.example/in"),
      await accept("a.example/in"),
    ];
    await know("a.example/in");
    await lease(share("a.example/in", 3));
    const granted = [];
    for (const deliveryId of ids) {
      const wanted = { deliveryId, workerId: randomUUID(), claimId: randomUUID() };
      granted.push((await claimDeliveries(sql, [wanted], { inFlightPerWorker: 2 }))[0]?.outcome);
    }
    expect(granted).toEqual(["claimed", "claimed", undefined]);
  });

  it("says how its destination stands, and that it is new", async () => {
    const id = await accept("new.example/in");
    expect(await claimOne(id)).toMatchObject({
      destination: "new.example/in",
      standing: undefined,
    });
    await know("known.example/in", { failuresInARow: 3 });
    expect(await claimOne(await accept("known.example/in"))).toMatchObject({
      standing: { isQuick: true, isClosed: true, failuresInARow: 3, hasOwnRate: false },
    });
  });

  it("is granted up to maxInFlight, over any number of claims at once", async () => {
    const endpointId = await insertEndpoint(sql, { max_in_flight: 3 });
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => accept("a.example/in", { endpointId })),
    );
    const tries = [claim(...ids.slice(0, 10)), ...ids.map((id) => claim(id))];
    const claimed = (await Promise.all(tries)).flat().filter((one) => one !== undefined);
    expect(claimed.length).toBeGreaterThan(0);
    expect(claimed.length).toBeLessThanOrEqual(3);
    // Who came at the same moment is told to come again.
    for (const id of ids) await claim(id);
    const [full] = await sql`
      select array_agg(in_flight_slot order by in_flight_slot) as slots
      from webhook_deliveries where endpoint_id = ${endpointId} and status = 'sent'`;
    expect(full?.["slots"]).toEqual([1, 2, 3]);
  });
});
