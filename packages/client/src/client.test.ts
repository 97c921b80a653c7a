/** How calls are made and made again, against a server that answers as it is told. */
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { hang, reset, type Answer } from "@webhook-delivery/shared/testing/receiver.ts";
import type { Client } from "./client.ts";
import { API_KEY, ID, NEW, scene } from "./scene.fixture.ts";
import { refusal, success } from "./scripted-server.fixture.ts";

const delivery = { delivery: { id: ID } };

describe("a delivery", () => {
  test("is asked for with the key, as JSON, under a key of its own", async () => {
    await using one = await scene([success(delivery, 202)]);
    expect(await one.client.deliver(NEW)).toEqual({ id: ID });
    await one.client.deliver(NEW);
    const [first, second] = one.server.asked;
    expect(first).toMatchObject({
      method: "POST",
      url: "/webhook-delivery",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(NEW),
    });
    const keys = [first, second].map((asked) => asked?.headers["idempotency-key"]);
    expect(new Set(keys).size).toBe(2);
    expect(keys.join()).toMatch(/^[0-9a-f-]{36},[0-9a-f-]{36}$/);
  });

  test.each<[string, Answer]>([
    ["503", refusal(503, "unavailable")],
    ["429", refusal(429, "rate_limited")],
    ["a proxy's 502", { status: 502, body: "<html>Bad Gateway</html>" }],
    ["a proxy's 504", { status: 504, body: "" }],
    ["a reset", reset],
    ["no answer in time", hang],
    [
      "an answer that breaks off",
      (response) => {
        response.writeHead(200, { "content-length": "1000" }).write("{");
        setImmediate(() => response.socket?.destroy());
      },
    ],
  ])("is asked for again after %s, with the same key and the same bytes", async (_, answer) => {
    await using one = await scene([answer, answer, success(delivery)], { timeoutMs: 300 });
    expect(await one.client.deliver(NEW)).toEqual({ id: ID });
    const { asked } = one.server;
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(new Set(asked.map(({ body }) => body)).size).toBe(1);
    expect(one.waits).toEqual([125, 250]);
  });

  test("is given up after maxRetries more tries, with the service's own words", async () => {
    await using one = await scene([refusal(503, "unavailable")], { maxRetries: 2 });
    await expect(one.client.deliver(NEW)).rejects.toMatchObject({
      name: "WebhookDeliveryError",
      status: 503,
      code: "unavailable",
      details: [],
    });
    expect(one.server.asked).toHaveLength(3);
  });

  test("that is refused is not asked for again", async () => {
    await using one = await scene([refusal(409, "idempotency_conflict")]);
    const asked = one.client.deliver(NEW, { idempotencyKey: "order-1" });
    await expect(asked).rejects.toMatchObject({ status: 409, code: "idempotency_conflict" });
    expect(one.server.asked.map(({ headers }) => headers["idempotency-key"])).toEqual(["order-1"]);
  });

  test.each(["", "é", "line\nend", "x".repeat(256)])(
    "under the key %j is not sent",
    async (key) => {
      await using one = await scene([success(delivery)]);
      await expect(one.client.deliver(NEW, { idempotencyKey: key })).rejects.toThrow(TypeError);
      expect(one.server.asked).toEqual([]);
    },
  );
});

describe("Retry-After", () => {
  test("is waited for", async () => {
    const later = refusal(429, "rate_limited", { "retry-after": "2" });
    const at = { "retry-after": "Sat, 21 Nov 2026 10:00:03 GMT" };
    await using one = await scene([later, refusal(503, "unavailable", at), success(delivery)]);
    await one.client.deliver(NEW);
    expect(one.waits).toEqual([2_125, 3_250]);
  });

  test("of more than half a minute is left to the caller", async () => {
    await using one = await scene([refusal(429, "rate_limited", { "retry-after": "3600" })]);
    await expect(one.client.deliver(NEW)).rejects.toMatchObject({ code: "rate_limited" });
    expect(one.waits).toEqual([]);
  });
});

describe("an event", () => {
  test("gets an id for the call, which its repeats have too", async () => {
    await using one = await scene([reset, success({ eventId: "e", deliveries: [] }, 202)]);
    const published = await one.client.publish({ type: "a.b", data: 1 });
    expect(published).toEqual({ eventId: "e", deliveries: [] });
    const ids = one.server.asked.map(
      ({ body }) => (JSON.parse(body) as { eventId: string }).eventId,
    );
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test("keeps the id it has", async () => {
    await using one = await scene([success()]);
    await one.client.publish({ type: "a.b", data: null, eventId: "mine" });
    expect(one.server.asked[0]?.body).toBe('{"type":"a.b","data":null,"eventId":"mine"}');
  });
});

describe("what must not be done twice", () => {
  const calls: readonly [string, (client: Client) => Promise<unknown>][] = [
    [
      "endpoints.create",
      async ({ endpoints }) => endpoints.create({ url: "https://example.com/" }),
    ],
    ["endpoints.test", async ({ endpoints }) => endpoints.test(ID)],
    ["endpoints.rotateSecret", async ({ endpoints }) => endpoints.rotateSecret(ID)],
    ["endpoints.enable", async ({ endpoints }) => endpoints.enable(ID)],
    ["deliveries.retry", async ({ deliveries }) => deliveries.retry(ID)],
    ["deliveries.cancel", async ({ deliveries }) => deliveries.cancel(ID)],
    ["deliveries.replay", async ({ deliveries }) => deliveries.replay({ since: "2026-11-21" })],
    ["deliveries.cancelReplay", async ({ deliveries }) => deliveries.cancelReplay(ID)],
  ];

  test.each(calls)("%s is not repeated when its answer is lost", async (_, call) => {
    for (const answer of [reset, refusal(503, "unavailable")]) {
      await using one = await scene([answer, success()]);
      await expect(call(one.client)).rejects.toThrow(/No answer|unavailable/);
      expect(one.server.asked).toHaveLength(1);
    }
  });

  test.each(calls)("%s is repeated when it came too fast", async (_, call) => {
    await using one = await scene([refusal(429, "rate_limited"), success({ delivery: {} })]);
    await call(one.client).catch(() => undefined);
    expect(one.server.asked).toHaveLength(2);
  });

  test("is repeated when nobody took the connection", async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    await using one = await scene([], { url });
    const created = one.client.endpoints.create({ url: "https://example.com/" });
    await expect(created).rejects.toMatchObject({
      name: "WebhookDeliveryConnectionError",
      message: expect.stringContaining("ECONNREFUSED") as string,
      cause: expect.any(Error) as Error,
    });
    expect(one.waits).toEqual([125, 250, 500]);
  });
});

describe("a removal", () => {
  test("whose answer was lost is done when the endpoint is gone", async () => {
    await using one = await scene([reset, refusal(404, "not_found")]);
    expect(await one.client.endpoints.delete(ID)).toEqual({ cancelled: 0 });
  });

  test("of what never was there is an error, also after being too fast", async () => {
    await using one = await scene([refusal(429, "rate_limited"), refusal(404, "not_found")]);
    await expect(one.client.endpoints.delete(ID)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("the error of a call that failed", () => {
  const event = { type: "a.b", data: 1 };
  const keyOf = async (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => "it was answered",
      (error: { readonly idempotencyKey: unknown }) => error.idempotencyKey,
    );

  test.each<[string, Answer]>([
    ["lost", reset],
    ["refused", refusal(503, "unavailable")],
    ["not the service's", { status: 200, body: "<html>" }],
  ])("has what it is asked again with, when the answer was %s", async (_, answer) => {
    await using one = await scene([answer], { maxRetries: 0 });
    const { client, server } = one;
    expect(await keyOf(client.deliver(NEW, { idempotencyKey: "order-1" }))).toBe("order-1");
    const made = await keyOf(client.deliver(NEW));
    expect(server.asked.at(-1)?.headers["idempotency-key"]).toBe(made);
    expect(await keyOf(client.publish({ ...event, eventId: "mine" }))).toBe("mine");
    const madeForEvent = await keyOf(client.publish(event));
    expect(JSON.parse(server.asked.at(-1)?.body ?? "")).toEqual({
      ...event,
      eventId: madeForEvent,
    });
    expect(await keyOf(client.deliverBatch([NEW], { idempotencyKey: "import" }))).toBe("import");
    const madeForBatch = String(await keyOf(client.deliverBatch([NEW])));
    expect(JSON.parse(server.asked.at(-1)?.body ?? "")).toEqual({
      deliveries: [{ ...NEW, idempotencyKey: `${madeForBatch}/0` }],
    });
    expect(await keyOf(client.deliveries.get(ID))).toBeNull();
  });

  test("names the first field that is wrong in its message", async () => {
    const details = [
      { field: "body.url", message: "must be string" },
      { field: "body.name", message: "must be string" },
    ];
    const error = {
      code: "invalid_request",
      message: "The request does not fit the API.",
      details,
    };
    const body = JSON.stringify({ status: "error", error });
    await using one = await scene([{ status: 400, body }]);
    await expect(one.client.deliver(NEW)).rejects.toMatchObject({
      message: "The request does not fit the API. body.url: must be string",
      details,
    });
  });
});

describe("an answer that is not the service's", () => {
  test.each<[string, Answer, string]>([
    ["HTML", { status: 200, body: "<html>" }, "HTTP 200"],
    ["other JSON", { status: 200, body: '{"ok":true}' }, "HTTP 200"],
    ["an empty 404", 404, "HTTP 404"],
    ["a redirect", { status: 301, headers: { location: "https://example.com/" } }, "redirect"],
  ])("%s is no answer", async (_, answer, said) => {
    await using one = await scene([answer]);
    await expect(one.client.deliver(NEW)).rejects.toMatchObject({
      name: "WebhookDeliveryConnectionError",
      message: expect.stringContaining(said) as string,
    });
    expect(one.server.asked).toHaveLength(1);
  });
});

describe("a caller that has lost interest", () => {
  test("gets its own reason, at once while an answer is outstanding", async () => {
    await using one = await scene([hang]);
    const interest = new AbortController();
    const asked = one.client.deliver(NEW, { signal: interest.signal });
    await one.server.waitFor(1);
    interest.abort(new Error("never mind"));
    await expect(asked).rejects.toThrow("never mind");
    expect(one.waits).toEqual([]);
  });

  test("has nothing sent when it was lost before", async () => {
    await using one = await scene([success(delivery)]);
    const signal = AbortSignal.abort(new Error("never mind"));
    await expect(one.client.deliver(NEW, { signal })).rejects.toThrow("never mind");
    await expect(one.client.deliveries.get(ID, { signal })).rejects.toThrow("never mind");
    expect(one.server.asked).toEqual([]);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("what the service did not know of a request is told, also where the answer is unwrapped", async () => {
  const warnings = [{ field: "body.note", message: "is not known here and was ignored" }];
  const told: unknown[] = [];
  await using one = await scene([success({ ...delivery, warnings }, 202)], {
    onWarnings: (some) => told.push(...some),
  });
  expect(await one.client.deliver(NEW)).toEqual({ id: ID });
  expect(told).toEqual(warnings);
});
