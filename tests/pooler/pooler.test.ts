/**
 * The whole service through a real PgBouncer in transaction mode, where LISTEN, named prepared statements
 * and session settings are lost.
 */
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { isBehindPooler } from "@webhook-delivery/shared/db/pooler.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { createApi } from "@webhook-delivery/shared/testing/api.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { insertMessage, untilMessage } from "@webhook-delivery/shared/testing/outbox.ts";
import { startPgBouncer, type PgBouncer } from "@webhook-delivery/shared/testing/pgbouncer.ts";
import { createTestRedis, type TestRedis } from "@webhook-delivery/shared/testing/redis.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { register } from "@webhook-delivery/shared/testing/registry.ts";
import { API_KEY, baseEnvironment } from "@webhook-delivery/shared/testing/service.ts";

const SOON_MS = 5_000;

let database: TestDatabase;
let pooler: PgBouncer;
let redis: TestRedis;
let receiver: Receiver;

beforeAll(async () => {
  [database, redis, receiver] = await Promise.all([
    createTestDatabase({ isEmpty: true }),
    createTestRedis(),
    startReceiver(),
  ]);
  pooler = await startPgBouncer(database.url);
});
afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await Promise.all([receiver, redis, database].map((one) => one[Symbol.asyncDispose]()));
});

test("the service migrates, delivers, retries, keeps order and polls the outbox through it", async () => {
  const through = connectDatabase({ url: pooler.url, applicationName: "tests", prepares: false });
  expect(await isBehindPooler(through)).toBe(true);
  expect(await isBehindPooler(database.sql)).toBe(false);
  expect(await migrate(through, MIGRATIONS_FOLDER)).not.toEqual([]);
  expect(await migrate(through, MIGRATIONS_FOLDER)).toEqual([]);
  await through.end();

  const env = { ...baseEnvironment(pooler, redis), PORT: "0", RETRY_SCHEDULE_SECONDS: "0.3" };
  await using ingest = await spawnProgram("ingest", env);
  await using worker = await spawnProgram("worker", env);
  await using other = await spawnProgram("worker", env);
  const [started] = await Promise.all([
    ingest.waitForEvent("ingest.started"),
    ingest.waitForEvent("database.pooled"),
    worker.waitForEvent("worker.started"),
    other.waitForEvent("worker.started"),
  ]);
  const { mode } = await worker.waitForEvent("outbox.mode");
  expect(mode).toBe("polling");
  const api = createApi(String(started["address"]), API_KEY, () => undefined);

  const [hook, inOrder] = [receiver.hook(500, 200), receiver.hook()];
  const { endpoint } = await register(api, { url: hook.url, eventTypes: ["pooled.event"] });
  const { sql } = database;
  const id = await insertMessage(sql, { event_type: "pooled.event" });
  const committedAt = performance.timeOrigin + performance.now();
  const [arrival] = await hook.waitFor(1);
  expect((arrival?.atMs ?? Infinity) - committedAt).toBeLessThan(SOON_MS);
  await untilMessage(sql, id, { status: "sent", attempts: 2 });

  const ordered = await register(api, { url: inOrder.url, ordered: true, format: "raw" });
  const to = { endpoint_id: ordered.endpoint.id };
  for (let number = 0; number < 10; number++)
    await insertMessage(sql, { ...to, payload: { number } });
  // Much at once, with more clients than there are server connections.
  const posts = Array.from({ length: 100 }, () =>
    api.deliver({ endpointId: endpoint.id, payload: { a: 1 } }),
  );
  await Promise.all(posts);
  await hook.waitFor(102);
  await inOrder.waitFor(10);
  const numbers = inOrder.arrivals.map(
    ({ body }) => (JSON.parse(body) as { number: number }).number,
  );
  expect(numbers).toEqual(Array.from({ length: 10 }, (_, number) => number));
  const troubles = [ingest, worker, other].flatMap(({ lines }) =>
    lines.filter(({ level }) => typeof level === "number" && level >= 40),
  );
  expect(troubles).toEqual([]);
  expect(new Set(hook.arrivedIds()).size).toBe(101);
});

test("without Redis its workers look for what nothing can wake them for", async () => {
  const env = { ...baseEnvironment(pooler, undefined), PORT: "0", RETRY_SCHEDULE_SECONDS: "0.3" };
  await using ingest = await spawnProgram("ingest", env);
  await using worker = await spawnProgram("worker", env);
  await using other = await spawnProgram("worker", env);
  const [started] = await Promise.all([
    ingest.waitForEvent("ingest.started"),
    ...[worker, other].map((one) => one.waitForEvent("outbox.mode")),
  ]);
  const api = createApi(String(started["address"]), API_KEY, () => undefined);
  const hook = receiver.hook(500, 200);
  const posts = Array.from({ length: 60 }, () =>
    api.deliver({ webhookUrl: hook.url, payload: { a: 1 } }),
  );
  await Promise.all(posts);
  await hook.waitFor(61);
  expect(new Set(hook.arrivedIds()).size).toBe(60);
});
