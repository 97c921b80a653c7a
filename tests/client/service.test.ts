/** Every call of the client, against the running service. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, verify, WebhookDeliveryError, type Client } from "@webhook-delivery/client";
import { standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const UNKNOWN = "00000000-0000-7000-8000-000000000000";

let service: TestService;
let receiver: Receiver;
let client: Client;

beforeAll(async () => {
  const env = { RETRY_SCHEDULE_SECONDS: "0.1" };
  [service, receiver] = await Promise.all([
    startService({ backend: "postgres", env }),
    startReceiver(),
  ]);
  client = createClient({ url: `${service.api.url}/api/`, apiKey: API_KEY });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** The error that a call must end with. */
async function refusalOf(call: Promise<unknown>): Promise<WebhookDeliveryError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WebhookDeliveryError) return error;
  throw new Error("it was not refused", { cause: error });
}

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of all) list.push(one);
  return list;
}

describe("deliver", () => {
  test("is delivered and signed: verify accepts what arrives, of both families", async () => {
    const hook = receiver.hook();
    const secret = standardSecret();
    const { id, status } = await client.deliver({
      webhookUrl: hook.url,
      webhookSecret: secret,
      payload: { greeting: "Zoë 🦊" },
      format: "raw",
      eventType: "message.received",
    });
    expect(status).toBe("pending");
    const [arrival] = await hook.waitFor(1);
    if (arrival === undefined) throw new Error("nothing arrived");
    const { bytes, headers } = arrival;
    expect(await verify(bytes, headers, ["an older secret", secret])).toEqual({
      id,
      timestamp: expect.any(Date) as Date,
      eventType: "message.received",
      attempt: 1,
      payload: { greeting: "Zoë 🦊" },
    });
    const plainOnly = Object.entries(headers).filter(([name]) => !name.startsWith("webhook-"));
    expect(await verify(bytes, Object.fromEntries(plainOnly), secret)).toMatchObject({
      attempt: 1,
    });
    await expect(verify(bytes, headers, "another")).rejects.toMatchObject({
      code: "no_matching_signature",
    });
  });

  test("with the same key and body is one delivery, with another body a conflict", async () => {
    const wanted = { webhookUrl: receiver.hook().url, payload: { number: 1 } };
    const options = { idempotencyKey: "order-4711" };
    const first = await client.deliver(wanted, options);
    const again = await client.deliver(wanted, options);
    expect(again.id).toBe(first.id);
    const other = { ...wanted, payload: { number: 2 } };
    expect(await refusalOf(client.deliver(other, options))).toMatchObject({
      status: 409,
      code: "idempotency_conflict",
    });
  });

  test("without a key is another delivery each time", async () => {
    const wanted = { webhookUrl: receiver.hook().url, payload: { number: 1 } };
    const [first, second] = await Promise.all([client.deliver(wanted), client.deliver(wanted)]);
    expect(first.id).not.toBe(second.id);
  });

  test("that cannot be is refused with a code and the field", async () => {
    const wrong = { webhookUrl: "ftp://example.com/", payload: {} };
    expect(await refusalOf(client.deliver(wrong))).toMatchObject({
      status: 400,
      code: "invalid_url",
      details: [{ field: "body.webhookUrl", message: expect.any(String) as string }],
    });
    const stranger = createClient({ url: service.api.url, apiKey: "nobody" });
    expect(await refusalOf(stranger.deliver({ test: true }))).toMatchObject({
      status: 401,
      code: "unauthorized",
    });
  });
});

test("a batch: each item by itself, in order, and the same again with the same key", async () => {
  const hook = receiver.hook();
  const items = [
    { webhookUrl: hook.url, payload: { number: 1 } },
    { webhookUrl: "ftp://example.com/", payload: { number: 2 } },
    { webhookUrl: hook.url, payload: { number: 3 } },
  ];
  const options = { idempotencyKey: "import-7" };
  const results = await client.deliverBatch(items, options);
  expect(results.map(({ status }) => status)).toEqual(["success", "error", "success"]);
  expect(results[1]).toMatchObject({ error: { code: "invalid_url" } });
  const again = await client.deliverBatch(items, options);
  const idsOf = (list: typeof results) =>
    list.flatMap((one) => (one.status === "success" ? [one.delivery.id] : []));
  expect(idsOf(again)).toEqual(idsOf(results));
  await hook.waitFor(2);
});

test("a batch of more than the service takes at once", async () => {
  const items = Array.from({ length: 1_001 }, () => ({ endpointId: UNKNOWN, payload: 1 }));
  const results = await client.deliverBatch(items);
  expect(results).toHaveLength(1_001);
  expect(results.at(-1)).toMatchObject({ error: { code: "endpoint_not_found" } });
});

test("publish: to whoever subscribes, once for an eventId", async () => {
  const hook = receiver.hook();
  const { endpoint } = await client.endpoints.create({ url: hook.url, eventTypes: ["order.*"] });
  const event = { type: "order.paid", data: { number: 4711 }, eventId: "order-4711-paid" };
  const published = await client.publish(event);
  expect(published).toMatchObject({ eventId: "order-4711-paid", matched: 1, disabled: [] });
  expect((await client.publish(event)).deliveries).toEqual(published.deliveries);
  const other = await client.publish({ type: "order.paid", data: {} });
  expect(other.eventId).toMatch(/^[0-9a-f-]{36}$/);
  await hook.waitFor(2);
  await client.endpoints.delete(endpoint.id);
});

test("endpoints: every call", async () => {
  const hook = receiver.hook();
  const { endpoints } = client;
  const { endpoint, secret } = await endpoints.create({ url: hook.url, name: "Orders" });
  const { id } = endpoint;
  expect(endpoint).toMatchObject({ url: hook.url, name: "Orders", status: "active" });
  expect(secret).toMatch(/^whsec_/);
  expect(await endpoints.get(id)).toMatchObject({ id, name: "Orders" });
  expect(await endpoints.update(id, { name: "Invoices" })).toMatchObject({ name: "Invoices" });

  const tested = await endpoints.test(id, { eventType: "message.received" });
  expect(tested).toMatchObject({ delivered: true, attempt: { responseStatus: 200 } });
  expect((await endpoints.test(id)).delivered).toBe(true);
  const rotated = await endpoints.rotateSecret(id, { gracePeriodSeconds: 60 });
  expect(rotated.secret).not.toBe(secret);
  expect((await endpoints.rotateSecret(id)).endpoint.rotationEndsAt).not.toBeNull();

  expect((await endpoints.disable(id)).status).toBe("disabled");
  const enabled = await endpoints.enable(id);
  expect(enabled).toMatchObject({ endpoint: { enabled: true }, missed: { deliveries: 0 } });
  expect((await endpoints.stats(id, { days: 1 })).days).toBe(1);
  expect(await endpoints.deliveries(id, { limit: 1 })).toMatchObject({
    deliveries: [{ endpointId: id, isTestDelivery: true }],
    total: 2,
  });

  const source = "+1 555/000";
  const registered = await endpoints.putForSource(source, { url: hook.url });
  expect(registered).toMatchObject({ endpoint: { source }, secret: expect.any(String) as string });
  const changed = await endpoints.putForSource(source, { name: "By phone" });
  expect(changed.endpoint).toMatchObject({ id: registered.endpoint.id, name: "By phone" });
  expect(changed.secret).toBeUndefined();

  const page = await endpoints.list({ limit: 1 });
  expect(page).toMatchObject({ total: 2, endpoints: [{ id: registered.endpoint.id }] });
  const all = await collect(endpoints.iterate({ limit: 1 }));
  expect(all.map((one) => one.id)).toEqual([registered.endpoint.id, id]);

  expect(await endpoints.delete(id)).toEqual({ cancelled: 0 });
  expect(await refusalOf(endpoints.delete(id))).toMatchObject({ code: "endpoint_not_found" });
  expect((await refusalOf(endpoints.get(id))).status).toBe(404);
  await endpoints.delete(registered.endpoint.id);
});

test("deliveries: every call", async () => {
  const hook = receiver.hook(500, 404, 200);
  const { deliveries } = client;
  const eventType = "every.call";
  const { id } = await client.deliver({ webhookUrl: hook.url, payload: { a: 1 }, eventType });
  await service.finished(id);
  const failed = await deliveries.get(id);
  expect(failed).toMatchObject({ status: "failed", responseStatus: 404, attempt: 2 });
  expect(failed.attempts.map(({ responseStatus }) => responseStatus)).toEqual([500, 404]);
  expect(failed.payload).toEqual({ a: 1 });
  expect((await deliveries.logs(id)).map(({ willRetry }) => willRetry)).toEqual([true, false]);

  expect((await deliveries.retry(id)).status).toBe("pending");
  await hook.waitFor(3);
  expect(await refusalOf(deliveries.cancel(id))).toMatchObject({ code: "not_cancellable" });
  expect(await refusalOf(deliveries.get(UNKNOWN))).toMatchObject({ code: "not_found" });

  const second = await client.deliver({ webhookUrl: hook.url, payload: 2, eventType });
  const page = await deliveries.list({ eventType, limit: 1 });
  expect(page).toMatchObject({ total: 2, deliveries: [{ id: second.id }] });
  expect(typeof page.nextCursor).toBe("string");
  const all = await collect(deliveries.iterate({ eventType, limit: 1 }));
  expect(all.map((one) => one.id)).toEqual([second.id, id]);

  expect((await deliveries.stats({ days: 1 })).deliveries.total).toBeGreaterThanOrEqual(2);
  const { replayId, replay } = await deliveries.replay({
    since: new Date(0).toISOString(),
    eventType: "nothing.has.this.type",
  });
  expect(replay.id).toBe(replayId);
  expect((await deliveries.getReplay(replayId)).state).toMatch(/^(?:running|completed)$/);
});

test("what waits can be called back: a delivery, a replay", async () => {
  await using idle = await startService({ backend: "postgres", workers: 0 });
  const there = createClient({ url: idle.api.url, apiKey: API_KEY });
  const { id } = await there.deliver({ webhookUrl: receiver.hook().url, payload: 1 });
  expect(await there.deliveries.cancel(id)).toMatchObject({ id, status: "cancelled" });
  expect(await refusalOf(there.deliveries.cancel(id))).toMatchObject({ code: "not_cancellable" });
  const { replayId } = await there.deliveries.replay({ since: new Date(0).toISOString() });
  expect(await there.deliveries.cancelReplay(replayId)).toMatchObject({ state: "cancelled" });
  const again = refusalOf(there.deliveries.cancelReplay(replayId));
  expect(await again).toMatchObject({ code: "not_cancellable" });
});
