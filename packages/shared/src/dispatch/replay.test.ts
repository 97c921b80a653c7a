import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inTransaction } from "../db/client.ts";
import { insertDeliveries } from "../db/deliveries.ts";
import {
  cancelReplay,
  findReplay,
  listNextMatches,
  recordReplayStep,
  takeDueReplay,
  type Replay,
} from "../db/replays.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { newDelivery } from "../testing/factories.ts";
import { startRounds } from "./new-round.ts";
import { createReplay, stepDueReplays } from "./replay.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** Deliveries that failed, of an event type of their own. */
async function failed(count: number): Promise<{ eventType: string; ids: readonly string[] }> {
  const eventType = `of.${uuidv7()}`;
  const rows = Array.from({ length: count }, () =>
    newDelivery({ eventType, isEndpointDisabled: true }),
  );
  await insertDeliveries(database.sql, rows);
  return { eventType, ids: rows.map(({ id }) => id) };
}

/** Of everything that failed until a moment from now; it has not begun. */
async function replayOf(eventType: string, ratePerSecond = 10_000): Promise<Replay> {
  return createReplay(database.sql, {
    caller: { kind: "operator" },
    clientId: null,
    since: new Date(0),
    until: null,
    endpointId: null,
    eventType,
    deliveryStatus: "failed",
    ratePerSecond,
    now: new Date(Date.now() + 1_000),
  });
}

async function read(id: string): Promise<Replay | undefined> {
  return findReplay(database.sql, { id, clientId: undefined });
}

async function nextStepMs(id: string): Promise<number> {
  const [row] = await database.sql<[{ ms: number }]>`
    select extract(epoch from next_step_at)::float8 * 1000 as ms from replays where id = ${id}`;
  return Math.round(row.ms);
}

async function stepUntilDone(id: string): Promise<void> {
  while ((await read(id))?.state === "running") await stepDueReplays(database.sql);
}

async function statusOf(ids: readonly string[]): Promise<string[]> {
  const rows = await database.sql<{ status: string }[]>`
    select status from webhook_deliveries where id in ${database.sql(ids)} order by id`;
  return rows.map(({ status }) => status);
}

it("starts each delivery once, however many workers step at the same time", async () => {
  const { eventType, ids } = await failed(3_000);
  const { id } = await replayOf(eventType);
  await Promise.all([1, 2, 3].map(() => stepUntilDone(id)));
  expect(await read(id)).toMatchObject({
    state: "completed",
    matched: 3_000,
    replayed: 3_000,
    skipped: 0,
  });
  expect(await statusOf(ids)).toEqual(ids.map(() => "pending"));
});

it("counts first, then starts what its rate allows, and waits as long as that may take", async () => {
  const { eventType, ids } = await failed(3);
  // Slow, so that nothing else becomes due while this looks.
  const { id } = await replayOf(eventType, 0.1);
  await stepDueReplays(database.sql);
  expect(await read(id)).toMatchObject({ matched: 3, replayed: 0, state: "running" });
  const beforeMs = await nextStepMs(id);
  await stepDueReplays(database.sql);
  await stepDueReplays(database.sql);
  expect(await read(id)).toMatchObject({ matched: 3, replayed: 1 });
  expect(await statusOf(ids)).toEqual(["pending", "failed", "failed"]);
  expect((await nextStepMs(id)) - beforeMs).toBeGreaterThanOrEqual(10_000);
  expect((await nextStepMs(id)) - Date.now()).toBeLessThanOrEqual(10_000);
  await cancelReplay(database.sql, { id, clientId: undefined });
});

it("leaves what fails after it was made, and counts what moved on by itself as skipped", async () => {
  const { eventType, ids } = await failed(3);
  const replay = await replayOf(eventType);
  await stepDueReplays(database.sql);
  const later = newDelivery({ eventType, isEndpointDisabled: true });
  await insertDeliveries(database.sql, [later]);
  const byHand = { id: ids[1] ?? "", endpointId: null };
  await inTransaction(database.sql, (tx) => startRounds(tx, [byHand]));
  await stepUntilDone(replay.id);
  expect(await read(replay.id)).toMatchObject({ matched: 3, replayed: 2, skipped: 1 });
  expect(await statusOf([later.id])).toEqual(["failed"]);
});

it("can be cancelled while a step is under way, which is then undone", async () => {
  const { sql } = database;
  const { eventType, ids } = await failed(5);
  const { id } = await replayOf(eventType);
  const step = inTransaction(sql, async (tx) => {
    const replay = await takeDueReplay(tx, id);
    if (replay === undefined) throw new Error("it should have been due");
    await startRounds(tx, await listNextMatches(tx, replay, 10));
    // Another worker finds nothing to do meanwhile, and the cancel waits for nobody.
    expect(await stepDueReplays(sql)).toBe(0);
    expect(await cancelReplay(sql, { id, clientId: undefined })).toMatchObject({
      state: "cancelled",
    });
    const isRecorded = await recordReplayStep(tx, replay, { started: 5, waitMs: 0, isLast: true });
    expect(isRecorded).toBe(false);
    throw new Error("undone");
  });
  await expect(step).rejects.toThrow("undone");
  expect(await read(id)).toMatchObject({ state: "cancelled", replayed: 0 });
  expect(await statusOf(ids)).toEqual(ids.map(() => "failed"));
  expect(await stepDueReplays(sql)).toBe(0);
});

it("goes on with the others when one cannot be stepped", async () => {
  const { sql } = database;
  const [stuck, free] = [await failed(1), await failed(1)];
  const [first, second] = [await replayOf(stuck.eventType), await replayOf(free.eventType)];
  await sql`
    create function refuse_this() returns trigger language plpgsql as $$
    begin raise exception 'refused'; end $$`;
  await sql.unsafe(`
    create trigger refuse_this before update on replays for each row
    when (old.id = '${first.id}') execute function refuse_this()`);
  for (let step = 0; step < 2; step++) {
    await expect(stepDueReplays(sql)).rejects.toThrow("refused");
  }
  expect(await read(second.id)).toMatchObject({ state: "completed", replayed: 1 });
  expect(await statusOf(stuck.ids)).toEqual(["failed"]);
  await sql`drop trigger refuse_this on replays`;
  await stepUntilDone(first.id);
  expect(await statusOf(stuck.ids)).toEqual(["pending"]);
});
