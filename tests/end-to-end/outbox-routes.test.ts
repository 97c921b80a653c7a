/** The two routes that have the outbox taken now, without a worker that would be faster. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { insertMessage, readMessage } from "@webhook-delivery/shared/testing/outbox.ts";
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { register } from "@webhook-delivery/shared/testing/registry.ts";
import type { RequestOptions } from "@webhook-delivery/shared/testing/api.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import { startProxy } from "../chaos/proxy.ts";

const TRIGGER = "/webhooks/outbox-trigger";
const CRON = "/cron/outbox-worker";
const SECRETS = { OUTBOX_SECRET: "secret-of-the-trigger", CRON_SECRET: "secret-of-the-cron" };

function bearer(secret: string): RequestOptions {
  return { headers: { authorization: `Bearer ${secret}` } };
}

/** As Supabase sends it, with keys that we do not know. */
function body(type: string, record: unknown, also: object = {}) {
  const known = { type, table: "outbox_messages", schema: "public", record, old_record: null };
  return { ...known, ...also, something_new: { nested: true } };
}

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

async function waitingRow(service: TestService, also: object = {}): Promise<string> {
  const { url } = receiver.hook();
  const { endpoint } = await register(service.api, { url, eventTypes: ["none.of.these"] });
  return insertMessage(service.database.sql, { endpoint_id: endpoint.id, ...also });
}

async function deliveriesOf({ database }: TestService, id: string): Promise<number> {
  return (await database.sql`select from webhook_deliveries where outbox_message_id = ${id}`).count;
}

describe("without a worker", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService({ backend: "postgres", workers: 0, env: SECRETS });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const trigger = (sent: unknown, options = bearer(SECRETS.OUTBOX_SECRET)) =>
    service.api.post(TRIGGER, sent, options);

  test("an INSERT takes its row, an UPDATE of it nothing more, under both paths", async () => {
    const id = await waitingRow(service);
    for (const [path, type, processed] of [
      [`/api${TRIGGER}`, "INSERT", 1],
      [TRIGGER, "UPDATE", 0],
    ] as const) {
      const answer = await service.api.post(
        path,
        body(type, { id, payload: { text: "not trusted" }, status: "queued" }),
        bearer(SECRETS.OUTBOX_SECRET),
      );
      expect([answer.status, answer.body]).toEqual([200, { status: "success", processed }]);
    }
    const [delivery] = await service.database.sql`
      select payload, status from webhook_deliveries where outbox_message_id = ${id}`;
    expect(delivery).toEqual({ payload: { text: "hello" }, status: "pending" });
    expect(await readMessage(service.database.sql, id)).toMatchObject({ status: "queued" });
  });

  test("the largest and the deepest row is told of whole, as it is and as it was", async () => {
    const deep = JSON.parse(`${"[".repeat(62)}1${"]".repeat(62)}`) as unknown;
    const payload = { large: "x".repeat(261_900), deep };
    const id = await waitingRow(service, { payload });
    const answer = await trigger(body("UPDATE", { id, payload }, { old_record: { id, payload } }));
    expect([answer.status, answer.body]).toEqual([200, { status: "success", processed: 1 }]);
    expect(await readMessage(service.database.sql, id)).toMatchObject({ last_error: null });
  });

  test("fifty repetitions at once take it once", async () => {
    const id = await waitingRow(service);
    const sent = body("INSERT", { id });
    const answers = await Promise.all(Array.from({ length: 50 }, () => trigger(sent)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const processed = answers.map(
      (answer) => (answer.body as unknown as { processed: number }).processed,
    );
    expect(processed.filter((count) => count === 1)).toHaveLength(1);
    expect(await deliveriesOf(service, id)).toBe(1);
  });

  test.each([
    ["a DELETE", body("DELETE", null, { old_record: { id: randomUUID() } })],
    ["a DELETE that has a record", body("DELETE", { id: randomUUID() })],
    ["an id that is not there", body("INSERT", { id: randomUUID() })],
    ["an id that nothing has", body("INSERT", { id: "4711" })],
    ["a number for an id", body("UPDATE", { id: 4711 })],
  ])("%s changes nothing", async (_what, sent) => {
    const answer = await trigger(sent);
    expect([answer.status, answer.body]).toEqual([200, { status: "success", processed: 0 }]);
  });

  test("a row that is scheduled for later is left for later", async () => {
    const id = await waitingRow(service, { next_attempt_at: new Date(Date.now() + 60_000) });
    expect((await trigger(body("INSERT", { id }))).body).toMatchObject({ processed: 0 });
    expect(await deliveriesOf(service, id)).toBe(0);
  });

  test.each([
    ["no object", "[]"],
    ["a text", '"x"'],
    ["null", "null"],
    ["nothing", undefined],
    ["no record", "{}"],
    ["a record without an id", '{"type":"INSERT","record":{}}'],
    ["a record that is none", '{"type":"INSERT","record":"x"}'],
    ["no JSON", "{"],
  ])("400 for %s", async (_what, sent) => {
    expect((await trigger(sent)).status).toBe(400);
  });

  test.each([TRIGGER, CRON])("%s is closed to everything but its own secret", async (path) => {
    const other = path === TRIGGER ? SECRETS.CRON_SECRET : SECRETS.OUTBOX_SECRET;
    for (const options of [bearer(other), bearer("x"), { headers: { authorization: "" } }, {}]) {
      // The last one carries the operator's key.
      const answer = await service.api.post(path, body("INSERT", { id: randomUUID() }), options);
      expect(answer.status).toBe(401);
      expect(answer.body.error.code).toBe("unauthorized");
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    }
    for (const secret of Object.values(SECRETS)) {
      expect(service.everythingSaid()).not.toContain(secret);
    }
  });

  test("the cron takes what is due, in batches, and counts what is left", async () => {
    const { sql } = service.database;
    const later = await waitingRow(service, { next_attempt_at: new Date(Date.now() + 60_000) });
    const refused = await insertMessage(sql, { endpoint_id: randomUUID() });
    const unheard = await insertMessage(sql, { event_type: `nobody.${randomUUID()}` });
    const { endpoint } = await register(service.api, {
      url: receiver.hook().url,
      eventTypes: ["none.of.these"],
    });
    await sql`
      insert into outbox_messages (endpoint_id, payload)
      select ${endpoint.id}, to_jsonb(n) from generate_series(1, 250) as n`;
    const { status, body: counts } = await service.api.post(CRON, {}, bearer(SECRETS.CRON_SECRET));
    expect(status).toBe(200);
    expect(counts).toEqual({ status: "success", processed: 252, sent: 1, failed: 1, remaining: 0 });
    expect(await readMessage(sql, refused)).toMatchObject({ status: "failed" });
    expect(await readMessage(sql, unheard)).toMatchObject({ status: "sent" });
    expect(await deliveriesOf(service, later)).toBe(0);
  });

  test.each([
    ["none", undefined, undefined],
    ["an empty one of type JSON", "", "application/json"],
    ["an empty one of a form, as `curl -d ''` sends it", "", "application/x-www-form-urlencoded"],
    ["{}", "{}", "application/json"],
    ["what a scheduler may send", JSON.stringify({ time: "now" }), "application/json"],
    ["a text", "now", "text/plain"],
  ])("the cron takes any body: %s", async (_what, sent, contentType) => {
    const { url } = service.api;
    const answer = await fetch(`${url}/api${CRON}`, {
      method: "POST",
      headers: {
        ...bearer(SECRETS.CRON_SECRET).headers,
        ...(contentType !== undefined && { "content-type": contentType }),
      },
      ...(sent !== undefined && { body: sent }),
    });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "success", processed: 0, sent: 0, failed: 0, remaining: 0 },
    ]);
  });
});

test("the cron tells what came of the first attempts", async () => {
  await using service = await startService({ backend: "postgres", workers: 0, env: SECRETS });
  const { endpoint: bad } = await register(service.api, { url: receiver.hook(400).url });
  for (let row = 0; row < 3; row++) await waitingRow(service);
  await insertMessage(service.database.sql, { endpoint_id: bad.id });
  // The worker that starts would take them itself: they are taken before it is there.
  const drained = service.api.post(CRON, undefined, bearer(SECRETS.CRON_SECRET));
  const { sql } = service.database;
  await expect
    .poll(async () => (await sql`select from outbox_messages where taken_at is not null`).count)
    .toBe(4);
  await service.startWorker();
  const { body: counts } = await drained;
  expect(counts).toMatchObject({ processed: 4, remaining: 0 });
});

test("the trigger answers within a second although the database hangs, and the row is not lost", async () => {
  await using service = await startService({ backend: "redis", workers: 0, env: SECRETS });
  const { DATABASE_URL = "" } = service.env;
  const target = new URL(DATABASE_URL);
  const proxy = await startProxy(Number(target.port));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => proxy.close());
  target.port = String(proxy.port);
  const env = { ...service.env, DATABASE_URL: target.href, PORT: "0" };
  const ingest = stack.use(await spawnProgram("ingest", env));
  const { address } = await ingest.waitForEvent("ingest.started");
  const id = await waitingRow(service);
  const send = async () => {
    const startedAt = performance.now();
    const { status } = await fetch(`${String(address)}${TRIGGER}`, {
      method: "POST",
      headers: { ...bearer(SECRETS.OUTBOX_SECRET).headers, "content-type": "application/json" },
      body: JSON.stringify(body("INSERT", { id })),
    });
    return { status, tookMs: performance.now() - startedAt };
  };
  proxy.hold();
  const answers = [await send(), await send(), await send()];
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
  // A busy machine is late now and then; what waits for the database would be every time.
  expect(Math.min(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(1_000);
  proxy.release();
  await expect.poll(async () => (await send()).status).toBe(200);
  await expect.poll(() => deliveriesOf(service, id)).toBe(1);
});

test("without their secrets the routes are not there; the older name is one too", async () => {
  await using service = await startService({
    backend: "postgres",
    workers: 0,
    env: { WEBHOOK_SECRET: "older-name" },
  });
  const { api } = service;
  const nowhere = await api.post("/nowhere", {});
  for (const prefix of ["", "/api"]) {
    for (const options of [{}, bearer("x"), bearer("")]) {
      const answer = await api.post(prefix + CRON, "{", options);
      expect([answer.status, answer.text]).toEqual([404, nowhere.text]);
    }
    const sent = body("INSERT", { id: randomUUID() });
    expect((await api.post(prefix + TRIGGER, sent, bearer("older-name"))).status).toBe(200);
    expect((await api.post(prefix + TRIGGER, sent, bearer("wrong"))).status).toBe(401);
  }
});
