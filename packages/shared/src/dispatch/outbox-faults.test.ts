/** What is wrong with one row of the outbox, and what that costs the others. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { connectDatabase, inTransaction } from "../db/client.ts";
import { putOff } from "../db/outbox.ts";
import { holdOutbox } from "../db/outbox-locks.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint } from "../testing/factories.ts";
import { createForwarder } from "../testing/forwarder.ts";
import { insertMessage, readMessage, outboxDeps } from "../testing/outbox.ts";
import { PATIENCE } from "../testing/signal.ts";
import { takeFromOutbox, takeOutbox } from "./outbox.ts";
import type { OutboxDeps } from "./outbox-batch.ts";

/** How a take of a row with `bad` in its payload can end. */
const FAULT = "raise exception 'a fault'";
const LOST_CONNECTION = "perform pg_terminate_backend(pg_backend_pid())";
const CANCELLED_STATEMENT = "raise exception 'too slow' using errcode = 'query_canceled'";

let database: TestDatabase;
let deps: OutboxDeps;
let setbacks: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  deps = outboxDeps(database.sql, (_error, what) => setbacks.push(what));
});
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  setbacks = [];
  await database.sql`create sequence tries`;
});
afterEach(async () => {
  const { sql } = database;
  // postgres.js tells the first query on each connection that was lost of it.
  await Promise.allSettled(Array.from({ length: 4 }, () => sql`select`));
  await sql`drop sequence tries`;
  await sql`drop function if exists refuse_bad cascade`;
  await sql`delete from outbox_messages`;
});

/** `times`: only that often, then it goes well. */
async function endBadWith(statement: string, times = 1_000): Promise<void> {
  const { sql } = database;
  // A sequence counts on when its transaction is rolled back.
  await sql.unsafe(`
    create function refuse_bad() returns trigger language plpgsql as $$
    begin if nextval('tries') <= ${times} then ${statement}; end if; return new; end $$`);
  await sql`
    create trigger refuse_bad before insert on webhook_deliveries
    for each row when (new.payload ? 'bad') execute function refuse_bad()`;
}

async function insertRows<const Names extends readonly ("good" | "bad")[]>(
  endpointId: string,
  names: Names,
): Promise<{ [At in keyof Names]: string }> {
  const ids: string[] = [];
  for (const name of names) {
    const columns = { endpoint_id: endpointId, payload: { [name]: true } };
    ids.push(await insertMessage(database.sql, columns));
  }
  return ids as { [At in keyof Names]: string };
}

async function tries(): Promise<number> {
  const [row] = await database.sql<[{ count: number }]>`
    select last_value::int as count from tries`;
  return row.count;
}

// It was taken for an outage of the database: the next poll took the same batch, for ever.
it.each([
  ["its connection", LOST_CONNECTION],
  ["its statement", CANCELLED_STATEMENT],
])("puts off a row that costs a take %s time and again, and takes the others", async (_, how) => {
  const { sql } = database;
  await endBadWith(how);
  const [before, bad, after] = await insertRows(await insertEndpoint(sql), ["good", "bad", "good"]);
  const { taken } = await takeOutbox(deps);
  expect(taken.map(({ id }) => id)).toEqual([before, after]);
  // With the others, and twice alone.
  expect(await tries()).toBe(3);
  expect(await readMessage(sql, bad)).toMatchObject({
    status: "queued",
    taken_at: null,
    last_error: "internal_error: Taking the row was cut off twice; it is tried again.",
  });
  expect(setbacks).toHaveLength(2);
  expect((await takeOutbox(deps)).taken).toEqual([]);
});

it("takes a row that lost its connection once, and then not again", async () => {
  const { sql } = database;
  await endBadWith(LOST_CONNECTION, 2);
  const ids = await insertRows(await insertEndpoint(sql), ["bad", "good"]);
  expect((await takeOutbox(deps)).taken.map(({ id }) => id)).toEqual(ids);
  expect(await readMessage(sql, ids[0])).toMatchObject({ last_error: null });
});

it("puts nothing off while the database is away", async () => {
  const { sql } = database;
  await using forwarder = await createForwarder(database.url);
  await forwarder.open();
  const away = connectDatabase({
    url: forwarder.url,
    applicationName: "tests",
    maxConnections: 2,
  });
  try {
    await endBadWith("perform pg_sleep(60)");
    const [bad] = await insertRows(await insertEndpoint(sql), ["bad"]);
    const taking = takeOutbox({ ...deps, sql: away });
    const lost = expect(taking).rejects.toThrow(/ECONNREFUSED|CONNECTION_/);
    await vi.waitFor(async () => {
      const sleeping = await sql`
        select from pg_stat_activity
        where wait_event = 'PgSleep' and datname = current_database()`;
      expect(sleeping.count).toBe(1);
    }, PATIENCE);
    await forwarder.close();
    await lost;
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where wait_event = 'PgSleep' and datname = current_database()`;
    expect(setbacks).toEqual([]);
    expect(await readMessage(sql, bad)).toMatchObject({ status: "queued", last_error: null });
  } finally {
    await away.end({ timeout: 1 });
  }
});

// All rows of a batch together may be too slow, too: it ends before PostgreSQL cuts it off.
it("leaves the rest to the next take when rows are slow to make", async () => {
  const ids = await insertRows(await insertEndpoint(database.sql), ["good", "good"]);
  const slow: OutboxDeps = {
    ...deps,
    get defaultMaxAttempts() {
      const until = performance.now() + 2_050;
      while (performance.now() < until);
      return 4;
    },
  };
  expect(await takeOutbox(slow)).toMatchObject({ taken: [{ id: ids[0] }], hasMore: true });
  expect(await takeOutbox(deps)).toMatchObject({ taken: [{ id: ids[1] }], hasMore: false });
});

// A drain ended at the first faulty row: 99 taken of 100 looked like the last ones.
it("knows that more is waiting behind rows that were put off", async () => {
  const { sql } = database;
  await endBadWith(FAULT);
  const [, first, second] = await insertRows(await insertEndpoint(sql), ["bad", "good", "good"]);
  const batch = await takeOutbox(deps, { limit: 2 });
  expect(batch).toMatchObject({ taken: [{ id: first }], hasMore: true });
  expect(await takeOutbox(deps, { limit: 2 })).toMatchObject({ taken: [{ id: second }] });
});

it("is at an end when an application holds every row that is left", async () => {
  const { sql } = database;
  await endBadWith(FAULT);
  const ids = await insertRows(await insertEndpoint(sql), ["bad", "good"]);
  await inTransaction(sql, async (tx) => {
    await tx`select from outbox_messages where id = ${ids[1]} for update`;
    expect(await takeOutbox(deps, { limit: 1 })).toEqual({ taken: [], hasMore: true });
    expect(await takeOutbox(deps, { limit: 1 })).toEqual({ taken: [], hasMore: false });
  });
});

// It did: a flood of calls behind a faulty row would have taken all connections.
it("waits for nobody who takes, row by row either", async () => {
  const { sql } = database;
  await endBadWith(FAULT);
  const endpointId = await insertEndpoint(sql, { ordered: true });
  const [bad] = await insertRows(endpointId, ["bad"]);
  const [isLineHeld, isLineFree] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const line = inTransaction(sql, async (tx) => {
    await tx`select from webhook_endpoints where id = ${endpointId} for no key update`;
    isLineHeld.resolve();
    await isLineFree.promise;
  });
  await isLineHeld.promise;
  // It holds the outbox and waits for the line; another one waits for the outbox, and gets it first.
  const take = takeFromOutbox(deps, bad);
  await untilLocks({ granted: true });
  const isTold = Promise.withResolvers<void>();
  const other = inTransaction(sql, async (tx) => {
    await holdOutbox(tx, true);
    await isTold.promise;
  });
  await untilLocks({ granted: false });
  isLineFree.resolve();
  await line;
  expect(await take).toBe(false);
  expect(setbacks).toEqual([]);
  isTold.resolve();
  await other;
});

async function untilLocks({ granted }: { readonly granted: boolean }): Promise<void> {
  await vi.waitFor(async () => {
    const locks = await database.sql`
      select from pg_locks where granted = ${granted} and locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`;
    expect(locks.count).toBe(1);
  }, PATIENCE);
}

it("puts a row off for twice as long each time, up to a quarter of an hour", async () => {
  const { sql } = database;
  const id = await insertMessage(sql, { event_type: "faulty" });
  const waits: number[] = [];
  for (let count = 0; count < 6; count++) {
    await putOff(sql, { id, lastError: "internal_error: no" });
    const [row] = await sql<[{ minutes: number }]>`
      select extract(epoch from next_attempt_at - updated_at)::float8 / 60 as minutes
      from outbox_messages where id = ${id}`;
    waits.push(row.minutes);
  }
  expect(waits).toEqual([1, 2, 4, 8, 15, 15]);
  // Asked for at once by hand: it begins anew.
  await sql`update outbox_messages set next_attempt_at = now() - interval '1 s' where id = ${id}`;
  await putOff(sql, { id, lastError: "internal_error: no" });
  const row = await readMessage(sql, id);
  expect(row?.next_attempt_at?.getTime()).toBeLessThan(Date.now() + 61_000);
});
