import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rateWindow } from "../core/rate-window.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { connectDatabase, type Sql } from "./client.ts";
import {
  moveStartToNow,
  reserveEndpointStart,
  reserveIdleStart,
  reserveStart,
} from "./start-reservations.ts";

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 10 });
  // Making a connection is not what is measured.
  await Promise.all(Array.from({ length: 10 }, () => sql`select`));
});
beforeEach(() => sql`delete from delivery_pace`);
afterAll(async () => {
  await sql.end();
  await database[Symbol.asyncDispose]();
});

const RATE = rateWindow(50);

/** The shortest time from one start to the one that many later. */
function shortestSpan(startsAtMs: readonly number[], many: number): number {
  const sorted = startsAtMs.toSorted((a, b) => a - b);
  return Math.min(...sorted.slice(many).map((atMs, at) => atMs - (sorted[at] ?? 0)));
}

async function next(): Promise<number> {
  return (await reserveStart(sql, RATE)).startsAtMs;
}

describe("reserved starts", () => {
  it("come evenly but for the first few, over any number that ask at once", async () => {
    const starts = await Promise.all(Array.from({ length: 120 }, next));
    const sorted = starts.toSorted((a, b) => a - b);
    expect((sorted[4] ?? 0) - (sorted[0] ?? 0)).toBeLessThan(RATE.spacingMs * 4);
    // A few may come at once again after a moment in which a busy machine asked for none.
    expect(shortestSpan(sorted.slice(0, 50), 20)).toBeGreaterThan(RATE.spacingMs * 15 - 0.1);
    expect(shortestSpan(starts, 50)).toBeGreaterThan(1_034);
  });

  it("that are spare take none of the others' and leave a reserve", async () => {
    const first = await next();
    const spare = [];
    for (
      let taken = await reserveIdleStart(sql, RATE);
      taken;
      taken = await reserveIdleStart(sql, RATE)
    ) {
      spare.push(taken.startsAtMs);
    }
    expect(spare).toHaveLength(RATE.starts - RATE.reserve - 1);
    const others = await Promise.all(Array.from({ length: RATE.reserve }, next));
    // As if there had been no spare ones: some at once, then evenly, counted from when they were asked for.
    const [asked] = await sql<[{ ms: number }]>`
      select extract(epoch from clock_timestamp())::float8 * 1000 as ms`;
    expect(Math.max(...others) - asked.ms).toBeLessThan(RATE.spacingMs * RATE.reserve);
    // The window is full now: the next one waits for the first of it to end.
    expect((await next()) - first).toBeGreaterThan(1_034);
  });

  it("never come more often than the rate in a second, however they are mixed", async () => {
    const starts: number[] = [];
    const take = async (index: number): Promise<void> => {
      const place =
        index % 3 === 0 ? await reserveIdleStart(sql, RATE) : await reserveStart(sql, RATE);
      if (place) starts.push(place.startsAtMs);
    };
    await Promise.all(Array.from({ length: 300 }, (_, index) => take(index)));
    expect(starts.length).toBeGreaterThan(200);
    expect(shortestSpan(starts, 50)).toBeGreaterThan(1_034);
  });

  it("that their worker was late for are moved to now, and the later ones keep their distance to that", async () => {
    const first = await reserveStart(sql, RATE);
    const others = await Promise.all(Array.from({ length: 48 }, next));
    await sql`select pg_sleep(0.06)`;
    const moved = await moveStartToNow(sql, RATE, first);
    const movedMs = moved?.startsAtMs ?? 0;
    expect(movedMs - first.startsAtMs).toBeGreaterThan(60);
    const more = await Promise.all(Array.from({ length: 60 }, next));
    expect(shortestSpan([movedMs, ...others, ...more], 50)).toBeGreaterThan(1_034);
    // 50 were reserved since, and count on its time.
    expect(await moveStartToNow(sql, RATE, first)).toBeUndefined();
  });

  it("follow a rate that was changed", async () => {
    for (let count = 0; count < 60; count++) await next();
    const slow = rateWindow(2);
    const starts = [];
    for (let count = 0; count < 6; count++) {
      starts.push((await reserveStart(sql, slow)).startsAtMs);
    }
    expect(shortestSpan(starts, 2)).toBeGreaterThan(1_034);
  });
});

describe("reserved starts of an endpoint with a rate of its own", () => {
  const own = { name: "an endpoint", spacingMs: 200 };

  it("come no sooner than its rate, for one of many that ask at once, who wait for no place", async () => {
    const asked = await Promise.all(
      Array.from({ length: 10 }, () => reserveEndpointStart(sql, own, RATE)),
    );
    const places = asked.filter((answer) => "startsAtMs" in answer);
    expect(places).toHaveLength(1);
    const startsAtMs = places[0]?.startsAtMs ?? 0;
    for (const answer of asked) {
      // Who asked at the same moment may be told to ask again at once.
      if ("readyAtMs" in answer) expect(answer.readyAtMs - startsAtMs).toBeLessThan(200.5);
    }
    // Only the one that got its own took one of the common ones.
    expect((await next()) - startsAtMs).toBeLessThan(RATE.spacingMs + 50);
  });

  it("come without a common rate as well", async () => {
    expect(await reserveEndpointStart(sql, own, null)).toHaveProperty("startsAtMs");
    expect(await reserveEndpointStart(sql, own, null)).toHaveProperty("readyAtMs");
    expect(await sql`select name from delivery_pace`).toMatchObject([{ name: "an endpoint" }]);
  });
});
