/** An outbox among workers that die, notifications that are lost and a database that goes away. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inTransaction } from "@webhook-delivery/shared/db/client.ts";
import { createForwarder } from "@webhook-delivery/shared/testing/forwarder.ts";
import {
  insertMessage,
  readMessage,
  untilMessage,
} from "@webhook-delivery/shared/testing/outbox.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const UNLIMITED = { RATE_LIMIT_PER_SECOND: "0", WORKER_CONCURRENCY: "20" };
const listens = (line: Readonly<Record<string, unknown>>) =>
  line["event"] === "outbox.mode" && line["mode"] === "listen";

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

async function newEndpoint({ api }: TestService) {
  const hook = receiver.hook();
  const { endpoint } = await register(api, { url: hook.url, format: "raw" });
  return { hook, to: { endpoint_id: endpoint.id } };
}

/** How many deliveries each row has, as `{ [count]: rows }`. */
async function deliveriesPerRow({ database }: TestService): Promise<Record<number, number>> {
  const rows = await database.sql<{ made: number; messages: number }[]>`
    select made::int, count(*)::int as messages from (
      select count(delivery.id) as made from outbox_messages as message
      left join webhook_deliveries as delivery on delivery.outbox_message_id = message.id
      group by message.id
    ) as counted group by 1`;
  return Object.fromEntries(rows.map(({ made, messages }) => [made, messages]));
}

async function untilAllSent({ database }: TestService): Promise<void> {
  const left = async () =>
    (await database.sql`select from outbox_messages where status <> 'sent'`).count;
  await expect.poll(left).toBe(0);
}

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  test("two workers make one delivery of each of 500 rows", async () => {
    await using service = await startService({ backend, workers: 2, env: UNLIMITED });
    await Promise.all(service.workers.map((worker) => worker.waitForLine(listens)));
    const { hook, to } = await newEndpoint(service);
    const rows = Array.from({ length: 500 }, (_, number) => ({ ...to, payload: { number } }));
    await Promise.all(rows.map((row) => insertMessage(service.database.sql, row)));
    await hook.waitFor(500);
    await untilAllSent(service);
    expect(await deliveriesPerRow(service)).toEqual({ 1: 500 });
    expect(new Set(hook.arrivedIds()).size).toBe(500);
    expect(hook.arrivals).toHaveLength(500);
  });

  test("two workers keep the order of an ordered endpoint", async () => {
    await using service = await startService({ backend, workers: 2, env: UNLIMITED });
    const { sql } = service.database;
    await Promise.all(service.workers.map((worker) => worker.waitForLine(listens)));
    const { endpoint } = await register(service.api, { url: receiver.hook().url, ordered: true });
    await sql`
      insert into outbox_messages (endpoint_id, payload)
      select ${endpoint.id}, to_jsonb(n) from generate_series(1, 450) as n`;
    const waiting = async () =>
      (await sql`select from outbox_messages where taken_at is null`).count;
    await expect.poll(waiting).toBe(0);
    const rows = await sql<{ payload: number }[]>`
      select payload from webhook_deliveries where endpoint_id = ${endpoint.id} order by order_no`;
    expect(rows.map(({ payload }) => payload)).toEqual(
      Array.from({ length: 450 }, (_, at) => at + 1),
    );
  });

  test("rows stream in while workers are killed: all arrive, none is made twice", async () => {
    await using service = await startService({ backend, workers: 2, env: UNLIMITED });
    const { sql } = service.database;
    const { hook, to } = await newEndpoint(service);
    const numbers = Array.from({ length: 400 }, (_, number) => number);
    const stream = (async () => {
      for (const number of numbers) {
        await insertMessage(sql, { ...to, payload: { number } });
        await sleep(10);
      }
    })();
    for (const killAfter of [60, 140, 220, 300]) {
      await hook.waitFor(killAfter);
      const victim = service.workers.findLast(({ lines }) => lines.length > 0);
      await Promise.all([victim?.kill(), service.startWorker()]);
    }
    await stream;
    await untilAllSent(service);
    expect(await deliveriesPerRow(service)).toEqual({ 1: 400 });
    const arrived = hook.arrivals.map(
      ({ body }) => (JSON.parse(body) as { number: number }).number,
    );
    expect([...new Set(arrived)].toSorted((a, b) => a - b)).toEqual(numbers);
    // What arrived twice was cut off the first time: its log says so.
    const twice = hook.arrivals.length - numbers.length;
    const cutOff = await sql`select from webhook_delivery_logs where error_type = 'interrupted'`;
    expect(twice).toBeLessThanOrEqual(cutOff.count);
  });

  test("rows from before any service ran are delivered when a worker starts", async () => {
    await using service = await startService({ backend, workers: 0, env: UNLIMITED });
    const { hook, to } = await newEndpoint(service);
    for (let number = 0; number < 5; number++) await insertMessage(service.database.sql, to);
    await service.startWorker();
    await hook.waitFor(5);
    await untilAllSent(service);
  });
});

test("a lost notification costs a few seconds", async () => {
  await using service = await startService({ backend: "postgres" });
  const { sql } = service.database;
  await service.workers[0]?.waitForLine(listens);
  await sql`alter table outbox_messages disable trigger outbox_messages_inserted`;
  const { hook, to } = await newEndpoint(service);
  const insertedAt = performance.timeOrigin + performance.now();
  const id = await insertMessage(sql, to);
  const [arrival] = await hook.waitFor(1);
  expect((arrival?.atMs ?? Infinity) - insertedAt).toBeLessThan(9_000);
  await untilMessage(sql, id, { status: "sent" });
});

test("PostgreSQL goes away and comes back: the worker lives, and listens again", async () => {
  await using service = await startService({ backend: "redis", workers: 0 });
  const { sql } = service.database;
  await using way = await createForwarder(service.database.url);
  await way.open();
  const worker = await service.startWorker({ DATABASE_URL: way.url });
  await worker.waitForLine(listens);
  const { hook, to } = await newEndpoint(service);
  await way.close();
  await insertMessage(sql, to);
  await worker.waitForLine(({ event, mode }) => event === "outbox.mode" && mode === "polling");
  const linesBefore = worker.lines.length;
  await way.open();
  await hook.waitFor(1);
  await worker.waitForLine((line) => worker.lines.indexOf(line) >= linesBefore && listens(line));
  const id = await insertMessage(sql, to);
  await hook.waitFor(2);
  await untilMessage(sql, id, { status: "sent" });
});

test("a row that somebody keeps locked holds up no other", async () => {
  await using service = await startService({ backend: "postgres" });
  const { sql } = service.database;
  const { hook, to } = await newEndpoint(service);
  const locked = await insertMessage(sql, { ...to, next_attempt_at: new Date(Date.now() + 500) });
  const released = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const holding = inTransaction(sql, async (tx) => {
    await tx`select from outbox_messages where id = ${locked} for update`;
    isHeld.resolve();
    await released.promise;
  });
  await isHeld.promise;
  for (let row = 0; row < 3; row++) await insertMessage(sql, to);
  await hook.waitFor(3);
  await sleep(1_000);
  expect(hook.arrivals).toHaveLength(3);
  expect(await readMessage(sql, locked)).toMatchObject({ status: "queued", taken_at: null });
  released.resolve();
  await holding;
  await hook.waitFor(4);
});
