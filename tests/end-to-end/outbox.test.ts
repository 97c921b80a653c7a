/** The outbox as an application sees it: it writes rows with plain SQL, and deliveries arrive. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inTransaction } from "@webhook-delivery/shared/db/client.ts";
import {
  insertMessage,
  readMessage,
  untilMessage,
} from "@webhook-delivery/shared/testing/outbox.ts";
import {
  startReceiver,
  type Answer,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, newClient, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

/** A second is promised (`pnpm bench:outbox`); the machine of the tests does other things as well. */
const SOON_MS = 5_000;
const WAITS = "0.3,0.3";

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    const env = { RETRY_SCHEDULE_SECONDS: WAITS };
    [service, receiver] = await Promise.all([startService({ backend, env }), startReceiver()]);
    const [worker] = service.workers;
    await worker?.waitForLine(({ event, mode }) => event === "outbox.mode" && mode === "listen");
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  /** A hook whose endpoint alone subscribes to an event type of its own. */
  async function subscriber(answers: readonly Answer[] = [], settings: object = {}) {
    const hook = receiver.hook(...answers);
    const eventType = `test.${randomUUID()}`;
    const wanted = { url: hook.url, eventTypes: [eventType], format: "raw", ...settings };
    const { endpoint } = await register(service.api, wanted);
    return { hook, eventType, endpointId: endpoint.id };
  }

  test.concurrent("an INSERT is delivered soon after the commit, and the row says so", async () => {
    const { sql } = service.database;
    const { hook, endpointId } = await subscriber();
    const payload = { order: 4711, nested: { list: [1, 2] } };
    const id = await insertMessage(sql, { endpoint_id: endpointId, payload });
    const committedAt = performance.timeOrigin + performance.now();
    const [arrival] = await hook.waitFor(1);
    expect((arrival?.atMs ?? Infinity) - committedAt).toBeLessThan(SOON_MS);
    expect(JSON.parse(arrival?.body ?? "")).toEqual(payload);
    expect(arrival?.headers["x-webhook-event"]).toBe("lead.captured");
    const row = await untilMessage(sql, id, { status: "sent", attempts: 1, last_error: null });
    expect(row?.sent_at).toBeInstanceOf(Date);
    expect(row?.next_attempt_at).toBeNull();
  });

  test.concurrent("enqueue_webhook works within a transaction and publishes an event", async () => {
    const { sql } = service.database;
    const { hook, eventType } = await subscriber();
    const id = await inTransaction(sql, async (tx) => {
      // Whatever the application's search_path is.
      await tx`set local search_path to pg_catalog`;
      const [row] = await tx<{ id: string }[]>`
        select public.enqueue_webhook(${eventType}, ${'{"a": 1}'}::text::jsonb) as id`;
      return row?.id ?? "";
    });
    const [arrival] = await hook.waitFor(1);
    expect(arrival?.body).toBe('{"a": 1}');
    await untilMessage(sql, id, { status: "sent" });
    const { event } = bodyOf<{ event: object }>(await service.api.get(`/events/${id}`), 200);
    expect(event).toMatchObject({ type: eventType, data: { a: 1 }, deliveryCount: 1 });
  });

  test.concurrent("a transaction that is rolled back sends nothing", async () => {
    const { sql } = service.database;
    const { hook, eventType, endpointId } = await subscriber();
    const rolledBack = inTransaction(sql, async (tx) => {
      await insertMessage(tx, { event_type: eventType, payload: { lost: true } });
      throw new Error("rolled back");
    });
    await expect(rolledBack).rejects.toThrow("rolled back");
    await insertMessage(sql, { endpoint_id: endpointId, payload: { kept: true } });
    await hook.waitFor(1);
    expect(hook.arrivals.map(({ body }) => JSON.parse(body))).toEqual([{ kept: true }]);
  });

  test.concurrent("the row tells of retries while they last", async () => {
    const { sql } = service.database;
    // Long enough to be seen between the first attempt and the second.
    const waits = { retryScheduleSeconds: [4, 0.2] };
    const { hook, endpointId } = await subscriber([500, 503, 200], waits);
    const id = await insertMessage(sql, { endpoint_id: endpointId });
    const retrying = await untilMessage(sql, id, { status: "queued", attempts: 1 });
    expect(retrying?.last_error).toContain("500");
    expect(retrying?.next_attempt_at).toBeInstanceOf(Date);
    await untilMessage(sql, id, { status: "sent", attempts: 3, last_error: null });
    expect(new Set(hook.arrivedIds()).size).toBe(1);
  });

  test.concurrent("of three endpoints one fails, and so has the row; setting it back tries that one", async () => {
    const { sql } = service.database;
    const { hook, eventType } = await subscriber();
    const eventTypes = [eventType];
    const [second, third] = [receiver.hook(), receiver.hook(400, 200)];
    for (const { url } of [second, third]) await register(service.api, { url, eventTypes });
    const id = await insertMessage(sql, { event_type: eventType });
    const failed = await untilMessage(sql, id, { status: "failed", attempts: 1 });
    expect(failed).toMatchObject({ sent_at: null, next_attempt_at: null });
    expect(failed?.last_error).toContain("400");

    await sql`update outbox_messages set status = 'queued' where id = ${id}`;
    await third.waitFor(2);
    await untilMessage(sql, id, { status: "sent", last_error: null });
    expect([hook, second].map(({ arrivals }) => arrivals.length)).toEqual([1, 1]);
    const [first, again] = third.arrivals.map(({ headers }) => headers["webhook-id"]);
    expect(again).toBe(first);
  });

  test.concurrent("a row that was sent is sent again when it is set back, with the same webhook-id", async () => {
    const { sql } = service.database;
    const { hook, endpointId } = await subscriber();
    const id = await insertMessage(sql, { endpoint_id: endpointId });
    await untilMessage(sql, id, { status: "sent" });
    const at = new Date(Date.now() + 700);
    await sql`update outbox_messages set status = 'queued', next_attempt_at = ${at} where id = ${id}`;
    const [first, second] = await hook.waitFor(2);
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.atMs ?? 0).toBeGreaterThanOrEqual(at.getTime() - 50);
    await untilMessage(sql, id, { status: "sent", attempts: 2 });
  });

  test.concurrent("cancelled, retried by hand, its endpoint disabled: the row follows", async () => {
    const { sql } = service.database;
    const { api } = service;
    const { hook, endpointId } = await subscriber([503, 200], { retryScheduleSeconds: [600] });
    const id = await insertMessage(sql, { endpoint_id: endpointId });
    await untilMessage(sql, id, { status: "queued", attempts: 1 });
    const [delivery] = await sql<{ id: string }[]>`
      select id from webhook_deliveries where outbox_message_id = ${id}`;
    bodyOf(await api.post(`/webhook-delivery/${delivery?.id}/cancel`), 200);
    await untilMessage(sql, id, { status: "failed", next_attempt_at: null });
    bodyOf(await api.post(`/webhook-delivery/${delivery?.id}/retry`), 202);
    await hook.waitFor(2);
    await untilMessage(sql, id, { status: "sent", attempts: 2, last_error: null });

    bodyOf(await api.post(`/endpoints/${endpointId}/disable`), 200);
    const refused = await insertMessage(sql, { endpoint_id: endpointId });
    const row = await untilMessage(sql, refused, { status: "failed", attempts: 0 });
    expect(row?.last_error).toContain("disabled");
    expect(hook.arrivals).toHaveLength(2);
  });

  test.concurrent("a scheduled row waits for its time", async () => {
    const { sql } = service.database;
    const { hook, endpointId } = await subscriber();
    const at = new Date(Date.now() + 3_000);
    const id = await insertMessage(sql, { endpoint_id: endpointId, next_attempt_at: at });
    const [arrival] = await hook.waitFor(1);
    const lateMs = (arrival?.atMs ?? 0) - at.getTime();
    expect(lateMs).toBeGreaterThanOrEqual(-50);
    expect(lateMs).toBeLessThan(SOON_MS);
    await untilMessage(sql, id, { status: "sent" });
  });

  test.concurrent("an ordered endpoint gets its rows in the order of insertion", async () => {
    const { sql } = service.database;
    const { hook, eventType, endpointId } = await subscriber([], { ordered: true });
    for (let number = 0; number < 12; number++) {
      const to = number % 2 === 0 ? { endpoint_id: endpointId } : { event_type: eventType };
      await insertMessage(sql, { ...to, payload: { number } });
    }
    await hook.waitFor(12);
    const numbers = hook.arrivals.map(
      ({ body }) => (JSON.parse(body) as { number: number }).number,
    );
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, number) => number));
  });

  test.concurrent("a row with a phone number says where to and what", async () => {
    const { sql } = service.database;
    const { hook, endpointId } = await subscriber();
    const row = { endpoint_id: endpointId, to_phone: "628123456789" };
    await insertMessage(sql, {
      ...row,
      payload: { text: { body: "Hello" }, to: "other", type: "x" },
    });
    await insertMessage(sql, { ...row, message_type: "template", payload: ["bare"] });
    await hook.waitFor(2);
    expect(hook.arrivals.map(({ body }) => JSON.parse(body))).toEqual(
      expect.arrayContaining([
        { text: { body: "Hello" }, to: "628123456789", type: "text" },
        { payload: ["bare"], to: "628123456789", type: "template" },
      ]),
    );
    expect(hook.arrivals[0]?.headers["x-webhook-event"]).toBe("message.send");
  });

  test.concurrent("what is wrong with one row fails that row and no other", async () => {
    const { sql } = service.database;
    const { hook, eventType, endpointId } = await subscriber();
    const { id: clientId } = await newClient(service.api, "somebody");
    const event = { event_type: eventType, event_id: randomUUID(), payload: { a: 1 } };
    const nobody = { event_type: `nobody.${randomUUID()}` };
    const unknownEndpoint = { endpoint_id: randomUUID() };
    const othersEndpoint = { endpoint_id: endpointId, client_id: clientId };
    const ids = await inTransaction(sql, async (tx) => {
      const made: string[] = [];
      for (const row of [
        unknownEndpoint,
        othersEndpoint,
        { event_type: eventType, client_id: randomUUID() },
        event,
        event,
        { ...event, payload: { a: 2 } },
        nobody,
      ]) {
        made.push(await insertMessage(tx, row));
      }
      return made;
    });
    const expected = [
      ["failed", /^endpoint_not_found: /],
      ["failed", /^endpoint_not_found: /],
      ["failed", /^client_not_found: /],
      ["sent", null],
      ["sent", null],
      ["failed", /^idempotency_conflict: .*event_id/],
      ["sent", null],
    ] as const;
    for (const [at, [status, lastError]] of expected.entries()) {
      const last_error = lastError === null ? null : expect.stringMatching(lastError);
      await untilMessage(sql, ids[at] ?? "", { status, last_error });
    }
    expect(hook.arrivals).toHaveLength(1);
  });

  // The row's data is spelled by PostgreSQL: it was a conflict in one direction.
  test.concurrent("an event is the same by whichever road it comes again", async () => {
    const { sql } = service.database;
    const { hook, eventType } = await subscriber();
    const [byRow, byRequest] = [randomUUID(), randomUUID()];
    // As jsonb no text is spelled: keys the other way round, and spaces.
    const dataText = '{"zz":1.50,"a":["\\u00e4"]}';
    const payload: unknown = JSON.parse(dataText);
    const row = { event_type: eventType, payload };
    const publish = async (eventId: string, text = dataText) =>
      service.api.post("/events", `{"type":"${eventType}","eventId":"${eventId}","data":${text}}`);
    const id = await insertMessage(sql, { ...row, event_id: byRow });
    await untilMessage(sql, id, { status: "sent" });
    const again = await publish(byRow);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    expect(again.body).toMatchObject({ deliveries: [hook.arrivals[0]?.headers["webhook-id"]] });
    expect((await publish(byRow, '{"zz":1.5}')).status).toBe(409);
    expect((await publish(byRequest)).status).toBe(202);
    const second = await insertMessage(sql, { ...row, event_id: byRequest });
    await untilMessage(sql, second, { status: "sent" });
    expect((await publish(byRequest, '{"a":["ä"], "zz":1.5}')).status).toBe(200);
    await hook.waitFor(2);
    expect(hook.arrivals).toHaveLength(2);
  });

  test.concurrent("an event that went to nobody finds somebody when it is set back", async () => {
    const { sql } = service.database;
    const eventType = `later.${randomUUID()}`;
    const id = await insertMessage(sql, { event_type: eventType });
    await untilMessage(sql, id, { status: "sent", attempts: 0 });
    const hook = receiver.hook();
    await register(service.api, { url: hook.url, eventTypes: [eventType] });
    await sql`update outbox_messages set status = 'queued' where id = ${id}`;
    await hook.waitFor(1);
    await untilMessage(sql, id, { status: "sent", attempts: 1 });
  });

  test.concurrent("rows that go nowhere, or with a type that is no header, are refused at once", async () => {
    const { sql } = service.database;
    await expect(insertMessage(sql, {})).rejects.toThrow("goes_somewhere");
    await expect(insertMessage(sql, { event_type: "with space" })).rejects.toThrow(
      "event_type_is_visible_ascii",
    );
    await expect(insertMessage(sql, { event_type: "x".repeat(256) })).rejects.toThrow(
      "event_type_is_visible_ascii",
    );
    const source = "x".repeat(256);
    await expect(insertMessage(sql, { event_type: "x", source })).rejects.toThrow("source_has");
    expect(await readMessage(sql, randomUUID())).toBeUndefined();
  });
});
