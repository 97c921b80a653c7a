import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { inTransaction } from "../db/client.ts";
import { countWaiting } from "../db/outbox-counts.ts";
import { nextDueInMs, putOff, recordTaken } from "../db/outbox.ts";
import { holdOutbox } from "../db/outbox-locks.ts";
import { foldOutboxNotes } from "../db/outbox-mirror.ts";
import { removeOutboxMessages } from "../db/outbox-retention.ts";
import { removeDeliveries } from "../db/retention.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint } from "../testing/factories.ts";
import { insertMessage, readMessage, outboxDeps } from "../testing/outbox.ts";
import { PATIENCE } from "../testing/signal.ts";
import { takeFromOutbox, takeOutbox } from "./outbox.ts";
import type { OutboxDeps } from "./outbox-batch.ts";

let database: TestDatabase;
let deps: OutboxDeps;
const setbacks: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  deps = outboxDeps(database.sql, (error) => setbacks.push(error));
});
afterAll(() => database[Symbol.asyncDispose]());

async function lockable(): Promise<number> {
  const { sql } = database;
  return inTransaction(sql, async (tx) => {
    const rows = await tx`
      select from outbox_messages where taken_at is null for update skip locked`;
    return rows.count;
  });
}

async function finish(messageId: string, status: "success" | "failed", nth = 0): Promise<void> {
  const { sql } = database;
  const [delivery] = await sql`
    select id from webhook_deliveries where outbox_message_id = ${messageId} order by id offset ${nth} limit 1`;
  const id = String(delivery?.["id"]);
  await sql`
    update webhook_deliveries
    set status = 'sent', attempt = attempt + 1, next_retry_at = null, claim_id = gen_random_uuid(),
      worker_id = gen_random_uuid()
    where id = ${id}`;
  await sql`
    update webhook_deliveries
    set status = ${status}, claim_id = null, worker_id = null, updated_at = clock_timestamp(),
      delivered_at = case ${status}::text when 'success' then now() end,
      error_type = case ${status}::text when 'failed' then 'http' end,
      last_error = case ${status}::text when 'failed' then 'HTTP 500' end
    where id = ${id}`;
}

/** An event type that two endpoints subscribe to and no others. */
async function eventForTwo(): Promise<string> {
  const { sql } = database;
  const eventType = `of.${randomUUID()}`;
  await sql`update webhook_endpoints set event_types = '{none}'`;
  for (let count = 0; count < 2; count++) await insertEndpoint(sql);
  await sql`update webhook_endpoints set event_types = array[${eventType}::text] where event_types = '{}'`;
  return eventType;
}

it("lets one take at a time, so that no row overtakes another", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql, { ordered: true });
  const first = await insertMessage(sql, { endpoint_id: endpointId });
  const second = await insertMessage(sql, { endpoint_id: endpointId });
  const released = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const holding = inTransaction(sql, async (tx) => {
    await tx`select from webhook_endpoints where id = ${endpointId} for no key update`;
    isHeld.resolve();
    await released.promise;
  });
  await isHeld.promise;
  const one = takeOutbox(deps, { limit: 1 });
  await vi.waitFor(async () => expect(await lockable()).toBe(1), PATIENCE);
  const other = takeOutbox(deps, { limit: 1 });
  await vi.waitFor(async () => {
    const waiting = await sql`
      select from pg_locks where not granted and locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`;
    expect(waiting.count).toBe(1);
  }, PATIENCE);
  expect(await lockable()).toBe(1);
  released.resolve();
  await holding;
  expect([...(await one).taken, ...(await other).taken].map(({ id }) => id)).toEqual([
    first,
    second,
  ]);
});

it("waits for nobody who takes when it is one of many calls", async () => {
  const { sql } = database;
  const id = await insertMessage(sql, { endpoint_id: await insertEndpoint(sql) });
  await inTransaction(sql, async (tx) => {
    expect(await holdOutbox(tx, true)).toBe(true);
    expect(await takeFromOutbox(deps, id)).toBe(false);
  });
  expect(await takeFromOutbox(deps, id.toUpperCase())).toBe(true);
});

it("goes past rows that an application keeps locked, however many", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const locked = await Promise.all(
    Array.from({ length: 3 }, () => insertMessage(sql, { endpoint_id: endpointId })),
  );
  const behind = await insertMessage(sql, { endpoint_id: endpointId });
  await inTransaction(sql, async (tx) => {
    await tx`select from outbox_messages where id in ${sql(locked)} for update`;
    expect((await takeOutbox(deps, { limit: 2 })).taken.map(({ id }) => id)).toEqual([behind]);
  });
  expect((await takeOutbox(deps)).taken).toHaveLength(3);
});

it("takes what fits into memory, and refuses what no request could have brought", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const large = { endpoint_id: endpointId, payload: { text: "x".repeat(250_000) } };
  const ids: string[] = [];
  for (let count = 0; count < 20; count++) ids.push(await insertMessage(sql, large));
  const tooLarge = { endpoint_id: endpointId, payload: { text: "x".repeat(262_144) } };
  const refused = await insertMessage(sql, tooLarge);
  const first = await takeOutbox(deps);
  // Four million bytes: begun with the sixteenth, ended with it.
  expect(first.hasMore).toBe(true);
  expect(first.taken.map(({ id }) => id)).toEqual(ids.slice(0, 16));
  const second = await takeOutbox(deps);
  expect(second.hasMore).toBe(false);
  expect(second.taken.map(({ id }) => id).toSorted()).toEqual(
    [...ids.slice(16), refused].toSorted(),
  );
  expect(await readMessage(sql, refused)).toMatchObject({
    status: "failed",
    last_error: expect.stringMatching(/^payload_too_large: /) as string,
  });
});

// 3,000 levels were an internal error again every minute; 6,000 were delivered and could not be read.
it("refuses what nests deeper than a request may, to an endpoint and as an event", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const nested = (levels: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  };
  const deepest = await insertMessage(sql, { endpoint_id: endpointId, payload: nested(64) });
  const refused = [
    await insertMessage(sql, { endpoint_id: endpointId, payload: nested(65) }),
    await insertMessage(sql, { endpoint_id: endpointId, payload: nested(3_000) }),
    await insertMessage(sql, { event_type: "deep", payload: nested(3_000) }),
    // What is around it counts.
    await insertMessage(sql, { endpoint_id: endpointId, to_phone: "1", payload: nested(64) }),
  ];
  const { taken } = await takeOutbox(deps);
  const lastError = "json_too_deep: JSON may nest 64 levels deep.";
  expect(taken).toEqual([
    { id: deepest, status: "queued", lastError: null },
    ...refused.map((id) => ({ id, status: "failed", lastError })),
  ]);
});

it("mirrors the others while an application keeps a row locked, and that one after it", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const [held, other] = [
    await insertMessage(sql, { endpoint_id: endpointId }),
    await insertMessage(sql, { endpoint_id: endpointId }),
  ];
  await takeOutbox(deps);
  await inTransaction(sql, async (tx) => {
    await tx`select from outbox_messages where id = ${held} for update`;
    await finish(held, "success");
    await finish(other, "failed");
    await foldOutboxNotes(sql);
    expect(await readMessage(sql, other)).toMatchObject({ status: "failed" });
    // What is put back is no reason to go on at once.
    expect(await foldOutboxNotes(sql)).toBe(0);
  });
  expect(await readMessage(sql, held)).toMatchObject({ status: "queued" });
  await foldOutboxNotes(sql);
  expect(await readMessage(sql, held)).toMatchObject({ status: "sent" });
});

it("mirrors a row that was asked for again while its delivery ended", async () => {
  const { sql } = database;
  const id = await insertMessage(sql, { endpoint_id: await insertEndpoint(sql) });
  await takeOutbox(deps);
  await sql`update outbox_messages set status = 'failed' where id = ${id}`;
  await sql`update outbox_messages set status = 'queued' where id = ${id}`;
  await sql`
    update outbox_messages set mirrored_at = coalesce(mirrored_at, now()) where id = ${id}`;
  // In flight still when the take looks, ended and folded before the take is committed.
  const taking = Promise.withResolvers<void>();
  const committing = inTransaction(sql, async (tx) => {
    await recordTaken(tx, [{ id, status: "queued", lastError: null }]);
    await taking.promise;
  });
  await vi.waitFor(async () => expect(await lockable()).toBe(0), PATIENCE);
  await finish(id, "success");
  await foldOutboxNotes(sql);
  taking.resolve();
  await committing;
  await foldOutboxNotes(sql);
  expect(await readMessage(sql, id)).toMatchObject({ status: "sent" });
});

it("puts off a row that fails for a fault of ours, and takes the others", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const [before, bad, after] = [
    await insertMessage(sql, { endpoint_id: endpointId }),
    await insertMessage(sql, { endpoint_id: endpointId, payload: { bad: true } }),
    await insertMessage(sql, { endpoint_id: endpointId }),
  ];
  await sql`
    create function refuse_bad() returns trigger language plpgsql as $$
    begin raise exception 'a fault' using errcode = 'P0001'; end $$`;
  await sql`
    create trigger refuse_bad before insert on webhook_deliveries
    for each row when (new.payload ? 'bad') execute function refuse_bad()`;
  const { taken } = await takeOutbox(deps);
  expect(taken.map(({ id }) => id)).toEqual([before, after]);
  expect(setbacks).toHaveLength(1);
  const row = await readMessage(sql, bad);
  expect(row).toMatchObject({ status: "queued", taken_at: null });
  expect(row?.last_error).toMatch(/^internal_error: /);
  expect(row?.next_attempt_at?.getTime()).toBeGreaterThan(Date.now() + 50_000);
  expect(await takeOutbox(deps)).toEqual({ taken: [], hasMore: false });
  await sql`drop function refuse_bad cascade`;
  await sql`update outbox_messages set next_attempt_at = now() where id = ${bad}`;
  expect(await takeFromOutbox(deps, bad)).toBe(true);
});

it("takes what stands before a row with it, and what is scheduled for later not", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const later = new Date(Date.now() + 60_000);
  const scheduled = await insertMessage(sql, { endpoint_id: endpointId, next_attempt_at: later });
  const first = await insertMessage(sql, { endpoint_id: endpointId, next_attempt_at: null });
  const second = await insertMessage(sql, { endpoint_id: endpointId });
  const third = await insertMessage(sql, { endpoint_id: endpointId });
  expect(await takeFromOutbox(deps, scheduled)).toBe(false);
  expect(await takeFromOutbox(deps, second)).toBe(true);
  expect(await takeFromOutbox(deps, second)).toBe(false);
  const rows = await Promise.all(
    [scheduled, first, second, third].map((id) => readMessage(sql, id)),
  );
  expect(rows.map((row) => row?.taken_at !== null)).toEqual([false, true, true, false]);
  expect(await countWaiting(sql)).toEqual({ due: 1, scheduled: 1 });
  await takeOutbox(deps);
  await sql`update outbox_messages set next_attempt_at = now() where id = ${scheduled}`;
  expect((await takeOutbox(deps)).taken.map(({ id }) => id)).toEqual([scheduled]);
});

it("keeps the row right while two of its deliveries end at once", async () => {
  const { sql } = database;
  const eventType = await eventForTwo();
  const id = await insertMessage(sql, { event_type: eventType });
  await takeOutbox(deps);
  // The first has ended, and its note is folded while the second's end is not committed yet.
  const released = Promise.withResolvers<void>();
  const isWritten = Promise.withResolvers<void>();
  const [second] = await sql`
    select id from webhook_deliveries where outbox_message_id = ${id} order by id desc limit 1`;
  const ending = inTransaction(sql, async (tx) => {
    await tx`
      update webhook_deliveries set status = 'cancelled', next_retry_at = null
      where id = ${String(second?.["id"])}`;
    isWritten.resolve();
    await released.promise;
  });
  await isWritten.promise;
  await finish(id, "success");
  while ((await foldOutboxNotes(sql)) > 0);
  expect(await readMessage(sql, id)).toMatchObject({ status: "queued", attempts: 1 });
  released.resolve();
  await ending;
  while ((await foldOutboxNotes(sql)) > 0);
  expect(await readMessage(sql, id)).toMatchObject({
    status: "failed",
    last_error: "The delivery was cancelled.",
  });
});

it("leaves a row that is to be taken again to be taken, whatever is noted late", async () => {
  const { sql } = database;
  const endpointId = await insertEndpoint(sql);
  const id = await insertMessage(sql, { endpoint_id: endpointId });
  await takeOutbox(deps);
  await finish(id, "failed");
  await sql`update outbox_messages set status = 'failed', mirrored_at = clock_timestamp() where id = ${id}`;
  await sql`update outbox_messages set status = 'queued' where id = ${id}`;
  while ((await foldOutboxNotes(sql)) > 0);
  expect(await readMessage(sql, id)).toMatchObject({ status: "queued", taken_at: null });
  expect((await takeOutbox(deps)).taken).toEqual([{ id, status: "queued", lastError: null }]);
  expect((await sql`select from webhook_deliveries where outbox_message_id = ${id}`).count).toBe(1);
});

it("forgets rows that are finished and old, and no delivery whose row is not finished", async () => {
  const { sql } = database;
  const eventType = await eventForTwo();
  const id = await insertMessage(sql, { event_type: eventType });
  await takeOutbox(deps);
  await finish(id, "failed", 0);
  while ((await foldOutboxNotes(sql)) > 0);
  const ofRow = async () =>
    (await sql`select from webhook_deliveries where outbox_message_id = ${id}`).count;
  const removeAll = async (): Promise<void> => {
    for await (const _removed of removeDeliveries(sql, { olderThanMs: 0 }));
    for await (const _removed of removeOutboxMessages(sql, { olderThanMs: 0 }, 1));
  };
  await removeAll();
  expect(await ofRow()).toBe(2);
  expect(await readMessage(sql, id)).toMatchObject({ status: "queued" });
  await finish(id, "success", 1);
  while ((await foldOutboxNotes(sql)) > 0);
  expect(await readMessage(sql, id)).toMatchObject({ status: "failed", last_error: "HTTP 500" });
  await removeAll();
  expect([await ofRow(), await readMessage(sql, id)]).toEqual([0, undefined]);
});

it("tells every transaction's rows with one notification, and nothing of a rollback", async () => {
  const { sql } = database;
  const heard: string[] = [];
  const listening = await sql.listen("outbox_messages", (text) => heard.push(text));
  const insert = (tx: Parameters<typeof insertMessage>[0]) =>
    insertMessage(tx, { event_type: "x" });
  const refused = inTransaction(sql, async (tx) => {
    await insert(tx);
    throw new Error("rolled back");
  });
  await expect(refused).rejects.toThrow("rolled back");
  await inTransaction(sql, async (tx) => {
    for (let row = 0; row < 5; row++) await insert(tx);
  });
  await sql.notify("outbox_messages", "last");
  await vi.waitFor(() => expect(heard.at(-1)).toBe("last"), PATIENCE);
  expect(heard).toEqual(["", "last"]);
  await listening.unlisten();
});

// Before PostgreSQL 17 nothing can be subtracted from infinity: the loop ended with an error each time.
it("leaves a row that waits for ever, and takes the others", async () => {
  const { sql } = database;
  const forever = await insertMessage(sql, { event_type: await eventForTwo() });
  await sql`update outbox_messages set next_attempt_at = 'infinity' where id = ${forever}`;
  const beforeAllTime = await insertMessage(sql, { event_type: await eventForTwo() });
  await sql`
    update outbox_messages
    set next_attempt_at = '-infinity', created_at = '0044-03-15 BC'::timestamptz where id = ${beforeAllTime}`;
  const { taken } = await takeOutbox(deps);
  const wasTaken = (asked: string): boolean => taken.some(({ id }) => id === asked);
  expect([wasTaken(beforeAllTime), wasTaken(forever)]).toEqual([true, false]);
  expect(await nextDueInMs(sql)).toBeUndefined();
  await putOff(sql, { id: forever, lastError: "internal_error: once" });
  await sql`update outbox_messages set next_attempt_at = 'infinity' where id = ${forever}`;
  await putOff(sql, { id: forever, lastError: "internal_error: twice" });
});
