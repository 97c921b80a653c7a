import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLOSED, type Circuit } from "../core/circuit.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { newDelivery } from "../testing/factories.ts";
import { inTransaction, type Sql } from "./client.ts";
import { insertDeliveries } from "./deliveries.ts";
import {
  countDestinations,
  countStates,
  describeDestinations,
  listDestinations,
} from "./destination-list.ts";
import {
  closeForgottenCircuits,
  failHeldBack,
  GIVEN_UP,
  removeIdleDestinations,
  removeIdlePaces,
} from "./destination-upkeep.ts";
import { lockDestinations, saveDestinations } from "./destinations.ts";

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = database.sql;
});
beforeEach(async () => {
  await sql`truncate webhook_deliveries, webhook_delivery_logs, destinations cascade`;
});
afterAll(() => database[Symbol.asyncDispose]());

const NOW = Date.now();
const OPEN: Circuit = {
  ...CLOSED,
  state: "open",
  sinceMs: NOW - 60_000,
  reason: "http_503",
  failuresInARow: 14,
  throttlesInARow: 3,
  probeAtMs: NOW + 5_000,
  failedProbes: 2,
  cautiousAbove: 12.5,
  pausedUntilMs: NOW + 8_000,
};
const HALF_OPEN: Circuit = { ...CLOSED, state: "half_open", sinceMs: NOW, ratePerSecond: 4.25 };

async function save(key: string, circuit: Circuit): Promise<void> {
  await saveDestinations(sql, [{ key, endpointId: null, clientId: null, isQuick: true, circuit }]);
}

async function waiting(host: string, count: number): Promise<void> {
  const row = () => newDelivery({ webhookUrl: `https://${host}` });
  await insertDeliveries(sql, Array.from({ length: count }, row));
}

describe("a destination's row", () => {
  it.each([
    ["closed", { ...CLOSED, sinceMs: NOW }],
    ["open", OPEN],
    ["half open", HALF_OPEN],
  ])("gives back what was written, %s", async (_name, circuit) => {
    await save("a.example/in", circuit);
    const { known, nowMs } = await inTransaction(sql, (tx) =>
      lockDestinations(tx, ["a.example/in"]),
    );
    expect(known.get("a.example/in")).toEqual({ key: "a.example/in", isQuick: true, circuit });
    expect(Math.abs(nowMs - Date.now())).toBeLessThan(60_000);
  });

  it("is what was written last", async () => {
    await save("a.example/in", OPEN);
    await save("a.example/in", HALF_OPEN);
    expect(await describeDestinations(sql, ["a.example/in"])).toMatchObject([
      { circuit: HALF_OPEN },
    ]);
  });
});

describe("the list of destinations", () => {
  it("is by key, page by page, filtered by state, with what is held back", async () => {
    await save("b.example/in", OPEN);
    await save("a.example/in", { ...CLOSED, sinceMs: NOW });
    await save("c.example/in", HALF_OPEN);
    await waiting("a.example/in", 1);
    await waiting("b.example/in", 3);
    const page = await listDestinations(sql, {}, { limit: 2, afterKey: "" });
    expect(page).toMatchObject([
      { key: "a.example/in", heldBack: 0 },
      { key: "b.example/in", heldBack: 3, circuit: { state: "open" } },
    ]);
    const rest = await listDestinations(sql, {}, { limit: 2, afterKey: "b.example/in" });
    expect(rest.map(({ key }) => key)).toEqual(["c.example/in"]);
    const open = await listDestinations(sql, { state: "open" }, { limit: 9, afterKey: "" });
    expect(open.map(({ key }) => key)).toEqual(["b.example/in"]);
    expect(await countDestinations(sql, { state: "open" })).toBe(1);
    expect(await countStates(sql)).toEqual({
      closed: 1,
      open: 1,
      half_open: 1,
      paused: 1,
      heldBack: 3,
    });
  });
});

describe("the upkeep", () => {
  it("forgets what nothing was sent to for a day, but nothing that is held back or paused", async () => {
    await save("idle.example/in", CLOSED);
    await save("paused.example/in", { ...CLOSED, pausedUntilMs: NOW + 60_000 });
    await save("open.example/in", OPEN);
    await sql`update destinations set updated_at = now() - interval '25 hours'`;
    await save("busy.example/in", CLOSED);
    expect(await removeIdleDestinations(sql)).toBe(1);
    const left = await listDestinations(sql, {}, { limit: 9, afterKey: "" });
    expect(left.map(({ key }) => key)).toEqual([
      "busy.example/in",
      "open.example/in",
      "paused.example/in",
    ]);
  });

  it("forgets endpoints' paces and keeps the common one", async () => {
    await sql`delete from delivery_pace`;
    await sql`
      insert into delivery_pace (name, next_start_at) values
        ('deliveries', '2020-01-01'), ('an endpoint', '2020-01-01'), ('another', now())`;
    expect(await removeIdlePaces(sql)).toBe(1);
    expect(await sql`select name from delivery_pace order by name`).toMatchObject([
      { name: "another" },
      { name: "deliveries" },
    ]);
  });

  it("closes circuits for which nothing waits", async () => {
    await save("nothing.example/in", OPEN);
    await save("something.example/in", HALF_OPEN);
    await waiting("something.example/in", 1);
    expect(await closeForgottenCircuits(sql)).toEqual(["nothing.example/in"]);
    const [row] = await describeDestinations(sql, ["nothing.example/in"]);
    expect(row?.circuit).toMatchObject({ state: "closed", failuresInARow: 14, reason: "http_503" });
  });

  it("fails what waits for a host that did not answer for so long, and nothing else", async () => {
    await save("dead.example/in", { ...OPEN, sinceMs: NOW - 10_000 });
    await save("ill.example/in", { ...OPEN, sinceMs: NOW });
    for (const host of ["dead.example/in", "ill.example/in", "new.example/in"])
      await waiting(host, 2);
    expect(await failHeldBack(sql, 5_000)).toBe(2);
    expect(await failHeldBack(sql, 5_000)).toBe(0);
    const rows = await sql`
      select destination, last_error, error_type from webhook_deliveries where status = 'failed'`;
    const failed = { destination: "dead.example/in", last_error: GIVEN_UP, error_type: "network" };
    expect([...rows]).toEqual([failed, failed]);
  });
});
