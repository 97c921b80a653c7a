/** Registered endpoints: what their owners set, see and change, and what the worker makes of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import {
  bodyOf,
  deliveriesOf,
  newClient,
  readEndpoint,
  register,
  type EndpointJson,
  type RegisteredEndpoint,
} from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

let service: TestService;
let receiver: Receiver;

beforeAll(async () => {
  const env = {
    RETRY_SCHEDULE_SECONDS: "0.1,0.1",
    RATE_LIMIT_PER_SECOND: "0",
    WORKER_CONCURRENCY: "20",
  };
  [service, receiver] = await Promise.all([
    startService({ backend: "redis", env }),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const deliverTo = (endpointId: string, also: object = {}) =>
  service.api.deliver({ endpointId, payload: { n: 1 }, ...also });

async function deliverAndFinish(endpointId: string, also: object = {}) {
  const { id } = await deliverTo(endpointId, also);
  await service.finished(id);
  return service.api.read(id);
}

describe("an owner", () => {
  test("finds what was saved unchanged, and the secret nowhere but in the first answer", async () => {
    const saved = {
      name: "Orders",
      url: `${receiver.hook().url}?token=of-the-owner`,
      eventTypes: ["message.received", "lead.*"],
      sources: ["+15550001111"],
      format: "raw",
      headers: { Authorization: "Bearer custom-header-value", "X-Tenant": "7" },
      maxAttempts: 7,
      retryScheduleSeconds: [1, 2.5, 60],
      timeoutMs: 4_000,
      rateLimitPerSecond: 2.5,
      maxInFlight: 3,
      ordered: false,
      enabled: true,
      metadata: { page: "settings" },
    };
    const { endpoint, secret } = await register(service.api, saved);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const read = await service.api.get(`/endpoints/${endpoint.id}`);
    const shown = {
      ...saved,
      headers: { authorization: "***", "x-tenant": "***" },
      status: "active",
      failureCount: 0,
      totalEvents: 0,
      successRate: null,
      clientId: null,
    };
    expect(endpoint).toMatchObject(shown);
    expect(bodyOf<RegisteredEndpoint>(read, 200).endpoint).toEqual(endpoint);
    expect(read.text).not.toContain(secret);
    expect(read.text).not.toContain("custom-header-value");
  });

  test("changes just what is given; a mask leaves a header as it is", async () => {
    const hook = receiver.hook();
    const { endpoint } = await register(service.api, {
      url: hook.url,
      name: "before",
      headers: { "x-one": "first", "x-two": "second" },
      maxAttempts: 2,
    });
    const patched = bodyOf<RegisteredEndpoint>(
      await service.api.send("PATCH", `/endpoints/${endpoint.id}`, {
        name: "after",
        headers: { "x-one": "***", "x-three": "third" },
      }),
      200,
    );
    expect(patched.endpoint).toMatchObject({
      name: "after",
      url: hook.url,
      maxAttempts: 2,
      headers: { "x-one": "***", "x-three": "***" },
    });
    await deliverAndFinish(endpoint.id);
    const [arrival] = hook.arrivals;
    expect(arrival?.headers).toMatchObject({ "x-one": "first", "x-three": "third" });
    expect(arrival?.headers).not.toHaveProperty("x-two");
  });

  test.each([
    ["a URL that is none", { url: "nonsense" }, "invalid_url"],
    ["a private address", { url: "http://10.0.0.1/" }, "address_refused"],
    ["a secret that cannot sign", { secret: "whsec_!" }, "invalid_request"],
    ["a header of ours", { headers: { Host: "evil" } }, "invalid_headers"],
    ["a signature header", { headers: { "Webhook-Signature": "x" } }, "invalid_headers"],
    ["a header with a line break", { headers: { "x-a": "a\r\nhost: evil" } }, "invalid_headers"],
    ["a header name that is none", { headers: { "x a": "1" } }, "invalid_headers"],
    ["a header given twice", { headers: { "X-A": "1", "x-a": "2" } }, "invalid_headers"],
    ["a subscription that is none", { eventTypes: ["le ad"] }, "invalid_request"],
    ["a star in the middle", { eventTypes: ["lead.*.captured"] }, "invalid_request"],
    ["too many attempts", { maxAttempts: 11 }, "invalid_request"],
    ["a negative wait", { retryScheduleSeconds: [-1] }, "invalid_request"],
    ["an unknown format", { format: "xml" }, "invalid_request"],
  ])("is told of %s, and nothing is written", async (_what, wrong, code) => {
    const { url } = receiver.hook();
    const before = await service.api.get("/endpoints?limit=1");
    const answer = await service.api.post("/endpoints", { url, ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe(code);
    const { endpoint } = await register(service.api, { url, name: "kept" });
    const patch = await service.api.send("PATCH", `/endpoints/${endpoint.id}`, {
      name: "changed",
      ...wrong,
    });
    expect([patch.status, patch.body.error.code]).toEqual([400, code]);
    expect(await readEndpoint(service.api, endpoint.id)).toEqual(endpoint);
    const after = await service.api.get("/endpoints?limit=1");
    expect(after.body.total).toBe(before.body.total + 1);
  });

  test("lists endpoints page by page and by source, status and client", async () => {
    const client = await newClient(service.api, "lister");
    const source = "+15557770001";
    const made: string[] = [];
    for (let count = 0; count < 5; count++) {
      const sources = count < 2 ? [source] : [];
      const { endpoint } = await register(
        service.api,
        { url: receiver.hook().url, sources },
        client.as,
      );
      made.unshift(endpoint.id);
    }
    await service.api.post(`/endpoints/${made[4]}/disable`, undefined, client.as);
    const list = async (query: string) =>
      bodyOf<{ endpoints: EndpointJson[]; total: number; nextCursor: string | null }>(
        await service.api.get(`/endpoints?${query}`, client.as),
        200,
      );
    const first = await list("limit=3");
    const second = await list(`limit=3&cursor=${first.nextCursor}`);
    expect([...first.endpoints, ...second.endpoints].map(({ id }) => id)).toEqual(made);
    expect([first.total, second.nextCursor]).toEqual([5, null]);
    expect((await list(`source=${encodeURIComponent(source)}`)).total).toBe(2);
    expect((await list("status=disabled")).endpoints.map(({ id }) => id)).toEqual([made[4]]);
    const foreign = await service.api.get("/endpoints?clientId=" + crypto.randomUUID(), client.as);
    expect(foreign.status).toBe(404);
  });

  test("has one endpoint per source, registered once and updated after that", async () => {
    const [one, two] = await Promise.all([
      newClient(service.api, "registry one"),
      newClient(service.api, "registry two"),
    ]);
    const path = `/endpoints/by-source/${encodeURIComponent("+15551230001")}`;
    const put = (body: object, client: typeof one) =>
      service.api.send("PUT", path, body, client.as);
    const first = bodyOf<RegisteredEndpoint>(await put({ url: receiver.hook().url }, one), 201);
    expect(first.endpoint).toMatchObject({ source: "+15551230001", sources: ["+15551230001"] });
    expect(first.secret).toMatch(/^whsec_/);
    const moved = receiver.hook().url;
    const again = bodyOf<RegisteredEndpoint>(await put({ url: moved, name: "new" }, one), 200);
    expect(again.endpoint).toMatchObject({ id: first.endpoint.id, url: moved, name: "new" });
    expect(again).not.toHaveProperty("secret");
    const more = bodyOf<RegisteredEndpoint>(await put({ sources: ["+1", "+2"] }, one), 200);
    expect(more.endpoint.sources).toEqual(["+15551230001", "+1", "+2"]);
    const every = bodyOf<RegisteredEndpoint>(await put({ sources: [] }, one), 200);
    expect(every.endpoint.sources).toEqual([]);
    const other = bodyOf<RegisteredEndpoint>(await put({ url: moved }, two), 201);
    expect(other.endpoint.id).not.toBe(first.endpoint.id);
    expect((await put({ name: "no url" }, await newClient(service.api, "empty"))).status).toBe(400);
  });

  test("of one source is one, however many register it at once", async () => {
    const { url } = receiver.hook();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        service.api.send("PUT", "/endpoints/by-source/racing", { url }),
      ),
    );
    const ids = answers.map((answer) => (answer.body as unknown as RegisteredEndpoint).endpoint.id);
    expect(new Set(ids).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });
});

describe("a client", () => {
  test("finds another client's endpoint nowhere", async () => {
    const [owner, other] = await Promise.all([
      newClient(service.api, "owner"),
      newClient(service.api, "other"),
    ]);
    const { url } = receiver.hook();
    const { endpoint } = await register(service.api, { url }, owner.as);
    expect(endpoint.clientId).toBe(owner.id);
    const path = `/endpoints/${endpoint.id}`;
    const unknown = await service.api.get(`/endpoints/${crypto.randomUUID()}`, other.as);
    const answers = await Promise.all([
      service.api.get(path, other.as),
      service.api.send("PATCH", path, { name: "mine" }, other.as),
      service.api.send("DELETE", path, undefined, other.as),
      service.api.post(`${path}/rotate-secret`, {}, other.as),
      service.api.post(`${path}/enable`, undefined, other.as),
      service.api.post(`${path}/disable`, undefined, other.as),
      service.api.get(`${path}/stats`, other.as),
      service.api.get(`${path}/deliveries`, other.as),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(404);
      expect(answer.body.error).toEqual(unknown.body.error);
    }
    const delivery = { endpointId: endpoint.id, payload: {} };
    const refused = await service.api.post("/webhook-delivery", delivery, other.as);
    expect([refused.status, refused.body.error.code]).toEqual([404, "endpoint_not_found"]);
    expect((await service.api.get("/endpoints", other.as)).body.total).toBe(0);
    expect(await readEndpoint(service.api, endpoint.id)).toEqual(endpoint);
  });

  test("sees and touches only its own deliveries", async () => {
    const [owner, other] = await Promise.all([
      newClient(service.api, "owner of deliveries"),
      newClient(service.api, "other"),
    ]);
    const { url } = receiver.hook();
    const key = { "idempotency-key": "the same for both" };
    const make = (client: typeof owner) =>
      service.api.deliver(
        { webhookUrl: url, payload: {} },
        {
          headers: { ...client.as.headers, ...key },
        },
      );
    const [mine, theirs] = await Promise.all([make(owner), make(other)]);
    expect(mine.id).not.toBe(theirs.id);
    await Promise.all([service.finished(mine.id), service.finished(theirs.id)]);
    const path = `/webhook-delivery/${mine.id}`;
    const answers = await Promise.all([
      service.api.get(path, other.as),
      service.api.get(`${path}/logs`, other.as),
      service.api.post(`${path}/retry`, undefined, other.as),
      service.api.post(`${path}/cancel`, undefined, other.as),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    const list = await service.api.get("/webhook-delivery", other.as);
    expect(list.body.deliveries.map(({ id }) => id)).toEqual([theirs.id]);
    const stats = await service.api.get("/webhook-delivery/stats", other.as);
    expect(stats.body).toMatchObject({ deliveries: { total: 1, success: 1 } });
  });
});

describe("the worker", () => {
  test("signs an endpoint's deliveries with the endpoint's secret", async () => {
    const hook = receiver.hook();
    const { endpoint, secret } = await register(service.api, { url: hook.url });
    await deliverAndFinish(endpoint.id);
    const [arrival] = hook.arrivals;
    const verified = new Webhook(secret).verify(
      arrival?.body ?? "",
      arrival?.headers as Record<string, string>,
    );
    expect(verified).toMatchObject({ type: "lead.captured", data: { n: 1 } });
  });

  test("masks an endpoint's headers and query in the log of its attempts, also where they come back", async () => {
    const headers = { authorization: "Bearer only-for-the-receiver" };
    const echo = `${"a".repeat(900)} query-of-the-url ${"a".repeat(73)} only-for-the-receiver`;
    const hook = receiver.hook({
      status: 200,
      headers: { "x-echo": headers.authorization },
      body: echo,
    });
    const url = `${hook.url}?token=query-of-the-url`;
    const { endpoint } = await register(service.api, { url, headers });
    const { attempts } = await deliverAndFinish(endpoint.id);
    expect(attempts[0]).toMatchObject({
      responseHeaders: { "x-echo": "***" },
      // It was cut in the middle of the second one.
      responseBody: `${"a".repeat(900)} *** ${"a".repeat(73)} ***`,
    });
    expect(hook.arrivals[0]?.headers.authorization).toBe("Bearer only-for-the-receiver");
    expect(attempts[0]?.requestHeaders).toMatchObject({ authorization: "***" });
    expect(service.everythingSaid()).not.toContain("only-for-the");
  });

  test("honours an endpoint's attempts, schedule, timeout and format", async () => {
    const hook = receiver.hook(() => undefined);
    const { endpoint } = await register(service.api, {
      url: hook.url,
      timeoutMs: 300,
      retryScheduleSeconds: [0.4],
      format: "raw",
    });
    const delivery = await deliverAndFinish(endpoint.id);
    expect(delivery).toMatchObject({ status: "failed", attempt: 2, maxAttempts: 2, format: "raw" });
    expect(delivery.attempts.map(({ errorType }) => errorType)).toEqual(["timeout", "timeout"]);
    expect(hook.arrivals.map(({ body }) => body)).toEqual(['{"n":1}', '{"n":1}']);
    const [first, second] = delivery.attempts;
    const gapMs = Date.parse(second?.attemptedAt ?? "") - Date.parse(first?.attemptedAt ?? "");
    expect(gapMs).toBeGreaterThanOrEqual(690);
  });

  test("lets a delivery's own number of attempts go before the endpoint's", async () => {
    const hook = receiver.hook(500);
    const { endpoint } = await register(service.api, { url: hook.url, maxAttempts: 3 });
    const own = await deliverAndFinish(endpoint.id, { maxAttempts: 1 });
    const usual = await deliverAndFinish(endpoint.id);
    expect([own.attempt, usual.attempt]).toEqual([1, 3]);
  });

  test("takes a corrected URL, secret and number of attempts for deliveries that wait", async () => {
    const [wrong, right] = [receiver.hook(500), receiver.hook()];
    const { endpoint } = await register(service.api, {
      url: wrong.url,
      retryScheduleSeconds: [600],
      maxAttempts: 2,
    });
    const { id } = await deliverTo(endpoint.id);
    await service.attempted(id, 1);
    const secret = "whsec_" + Buffer.from("a corrected secret of the owner").toString("base64");
    await service.api.send("PATCH", `/endpoints/${endpoint.id}`, {
      url: right.url,
      secret,
      maxAttempts: 5,
    });
    await service.database.sql`
      update webhook_deliveries set next_retry_at = now() where id = ${id}`;
    await service.finished(id);
    const [arrival] = right.arrivals;
    expect(arrival?.body).toBe(wrong.arrivals[0]?.body);
    new Webhook(secret).verify(arrival?.body ?? "", arrival?.headers as Record<string, string>);
    expect(await service.api.read(id)).toMatchObject({
      status: "success",
      webhookUrl: right.url,
      attempt: 2,
      maxAttempts: 5,
    });
  });

  test("sends nothing to an endpoint that was disabled meanwhile, and says so", async () => {
    const hook = receiver.hook(500, 200);
    const { endpoint } = await register(service.api, {
      url: hook.url,
      retryScheduleSeconds: [600],
    });
    const { id } = await deliverTo(endpoint.id);
    await service.attempted(id, 1);
    await service.api.post(`/endpoints/${endpoint.id}/disable`);
    await service.database.sql`
      update webhook_deliveries set next_retry_at = now() where id = ${id}`;
    await service.workers[0]?.waitForLine(
      (line) => line.event === "delivery.ended" && line["deliveryId"] === id,
    );
    expect(hook.arrivals).toHaveLength(1);
    expect(await service.api.read(id)).toMatchObject({
      status: "failed",
      errorType: "endpoint_disabled",
      attempt: 1,
    });
    const retry = await service.api.post(`/webhook-delivery/${id}/retry`);
    expect([retry.status, retry.body.error.code]).toEqual([409, "endpoint_disabled"]);
    const fresh = await deliverTo(endpoint.id);
    expect(fresh).toMatchObject({ status: "failed", errorType: "endpoint_disabled", attempt: 0 });

    const enabled = await service.api.post(`/endpoints/${endpoint.id}/enable`);
    expect(enabled.body).toMatchObject({
      endpoint: { enabled: true, status: "active" },
      missed: { deliveries: 2, replay: { endpointId: endpoint.id, deliveryStatus: "failed" } },
    });
    await service.api.post(`/webhook-delivery/${id}/retry`);
    await service.finished(id);
    expect((await service.api.read(id)).status).toBe("success");
    expect((await service.api.post(`/endpoints/${endpoint.id}/enable`)).body).toMatchObject({
      missed: null,
    });
  });

  test("ends what waits for a deleted endpoint as cancelled and keeps the history", async () => {
    const hook = receiver.hook(200, 500);
    const { endpoint } = await register(service.api, {
      url: hook.url,
      retryScheduleSeconds: [600],
    });
    const done = await deliverAndFinish(endpoint.id);
    const { id } = await deliverTo(endpoint.id);
    await service.attempted(id, 1);
    const path = `/endpoints/${endpoint.id}`;
    const deleted = bodyOf<{ cancelled: number }>(await service.api.send("DELETE", path), 200);
    expect(deleted.cancelled).toBe(1);
    expect(await service.api.read(id)).toMatchObject({ status: "cancelled", attempt: 1 });
    expect(await service.api.read(done.id)).toMatchObject({
      status: "success",
      endpointId: endpoint.id,
    });
    expect((await service.api.get(path)).status).toBe(404);
    expect((await service.api.send("DELETE", path)).status).toBe(404);
    const retry = await service.api.post(`/webhook-delivery/${done.id}/retry`);
    expect([retry.status, retry.body.error.code]).toEqual([409, "not_retryable"]);
  });

  test("cancels what was in flight when its endpoint was deleted, unless it succeeds", async () => {
    const released = Promise.withResolvers<void>();
    const hook = receiver.hook((response) => {
      void released.promise.then(() => response.writeHead(500).end());
    });
    const { endpoint } = await register(service.api, { url: hook.url });
    const { id } = await deliverTo(endpoint.id);
    await hook.waitFor(1);
    await service.api.send("DELETE", `/endpoints/${endpoint.id}`);
    released.resolve();
    await service.workers[0]?.waitForLine(
      (line) => line.event === "delivery.ended" && line["deliveryId"] === id,
    );
    expect(hook.arrivals).toHaveLength(1);
    expect((await service.api.read(id)).status).toBe("cancelled");
  });

  test("counts an endpoint's failures in a row, and starts anew with a success", async () => {
    const hook = receiver.hook(500, 503, 200, 404);
    const { endpoint } = await register(service.api, { url: hook.url, maxAttempts: 2 });
    await deliverAndFinish(endpoint.id);
    const failing = await readEndpoint(service.api, endpoint.id);
    expect(failing).toMatchObject({
      status: "failing",
      failureCount: 2,
      lastError: "The receiver answered 503.",
      lastSuccessAt: null,
      totalEvents: 1,
      successRate: 0,
    });
    expect(failing.failingSince).not.toBeNull();
    await deliverAndFinish(endpoint.id);
    const well = await readEndpoint(service.api, endpoint.id);
    expect(well).toMatchObject({
      status: "active",
      failureCount: 0,
      failingSince: null,
      successRate: 0.5,
    });
    expect(well.lastSuccessAt).toBe(well.lastAttemptAt);
    await deliverAndFinish(endpoint.id);
    expect(await readEndpoint(service.api, endpoint.id)).toMatchObject({
      failureCount: 1,
      totalEvents: 3,
      lastSuccessAt: well.lastSuccessAt,
    });
    expect(await deliveriesOf(service.api, endpoint.id)).toHaveLength(3);
    const stats = await service.api.get(`/endpoints/${endpoint.id}/stats?days=1`);
    expect(stats.body).toMatchObject({ deliveries: { total: 3, success: 1, failed: 2 } });
  });
});

describe("a rotation", () => {
  test("signs with both secrets until the grace ends, and with the new one after it", async () => {
    const hook = receiver.hook();
    const { endpoint, secret: old } = await register(service.api, { url: hook.url });
    const rotated = bodyOf<RegisteredEndpoint>(
      await service.api.post(`/endpoints/${endpoint.id}/rotate-secret`, {
        gracePeriodSeconds: 3_600,
      }),
      200,
    );
    expect(rotated.secret).not.toBe(old);
    expect(rotated.endpoint.rotationEndsAt).not.toBeNull();
    await deliverAndFinish(endpoint.id);
    const verify = (secret: string, arrival = hook.arrivals.at(-1)) =>
      new Webhook(secret).verify(arrival?.body ?? "", arrival?.headers as Record<string, string>);
    expect(hook.arrivals[0]?.headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
    verify(old);
    verify(rotated.secret);

    const third = bodyOf<RegisteredEndpoint>(
      await service.api.post(`/endpoints/${endpoint.id}/rotate-secret`, { gracePeriodSeconds: 0 }),
      200,
    );
    await deliverAndFinish(endpoint.id);
    verify(third.secret);
    expect(() => verify(old)).toThrow("No matching signature");
    expect(() => verify(rotated.secret)).toThrow("No matching signature");
  });

  test("without a body lasts a day", async () => {
    const { endpoint } = await register(service.api, { url: receiver.hook().url });
    const rotated = bodyOf<RegisteredEndpoint>(
      await service.api.post(`/endpoints/${endpoint.id}/rotate-secret`),
      200,
    );
    const leftMs = Date.parse(rotated.endpoint.rotationEndsAt ?? "") - Date.now();
    expect(leftMs / 3_600_000).toBeCloseTo(24, 1);
  });
});
