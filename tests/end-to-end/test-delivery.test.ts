/** Test deliveries: one real attempt whose result is the answer. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import type { ApiAnswer, AttemptJson, DeliveryJson } from "@webhook-delivery/shared/testing/api.ts";
import { deliveryTo, standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import { hang, startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, newClient, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

interface TestResult {
  readonly delivered: boolean;
  readonly delivery: DeliveryJson;
  readonly attempt: AttemptJson | null;
}

const resultOf = (answer: ApiAnswer) => bodyOf<TestResult>(answer, 200);

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    const env = {
      RATE_LIMIT_PER_SECOND: "0",
      WORKER_CONCURRENCY: "20",
      RETRY_SCHEDULE_SECONDS: "30",
      DELIVERY_TIMEOUT_MS: "1000",
    };
    [service, receiver] = await Promise.all([startService({ backend, env }), startReceiver()]);
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  const testEndpoint = (id: string, body?: unknown) =>
    service.api.post(`/endpoints/${id}/test`, body);

  test.concurrent("an endpoint gets one signed sample, and the answer tells what it said", async () => {
    const hook = receiver.hook({ status: 201, body: "thanks" });
    const { endpoint, secret } = await register(service.api, {
      url: hook.url,
      eventTypes: ["lead.*", "message.received"],
    });
    const startedAt = performance.now();
    const { delivered, delivery, attempt } = resultOf(await testEndpoint(endpoint.id));
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(delivered).toBe(true);
    expect(delivery).toMatchObject({
      endpointId: endpoint.id,
      eventType: "message.received",
      status: "success",
      isTestDelivery: true,
      maxAttempts: 1,
      attempt: 1,
    });
    expect(attempt).toMatchObject({
      deliveryId: delivery.id,
      attemptNumber: 1,
      responseStatus: 201,
      responseBody: "thanks",
      errorType: null,
      durationMs: expect.any(Number) as unknown,
    });
    const [arrival] = hook.arrivals;
    const headers = arrival?.headers as Record<string, string>;
    const body = new Webhook(secret).verify(arrival?.body ?? "", headers);
    expect(body).toMatchObject({ type: "message.received", data: { fromName: "Ada Lovelace" } });
    expect(await service.api.read(delivery.id)).toMatchObject({ status: "success" });
  });

  test.concurrent("the type of the sample can be chosen, also one that nobody knows", async () => {
    const hook = receiver.hook();
    const { endpoint } = await register(service.api, { url: hook.url });
    const { delivery } = resultOf(await testEndpoint(endpoint.id));
    expect(delivery.eventType).toBe("lead.captured");
    for (const eventType of ["session.status", "of.our.own"]) {
      const chosen = resultOf(await testEndpoint(endpoint.id, { eventType }));
      expect(chosen.delivery.eventType).toBe(eventType);
    }
    const answer = await testEndpoint(endpoint.id, { eventType: "no type" });
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_request"]);
    expect(hook.arrivals).toHaveLength(3);
  });

  test.concurrent("a receiver that fails is asked once, and the answer says how it failed", async () => {
    const [failing, silent] = [receiver.hook({ status: 503, body: "later" }), receiver.hook(hang)];
    const first = resultOf(await service.api.post("/webhook/test", { url: failing.url }));
    expect(first).toMatchObject({
      delivered: false,
      delivery: { status: "failed" },
      attempt: { responseStatus: 503, responseBody: "later", errorType: "http", willRetry: false },
    });
    const second = resultOf(await service.api.post("/webhook/test", { url: silent.url }));
    expect(second).toMatchObject({ delivered: false, attempt: { errorType: "timeout" } });
    const nobody = await service.api.post("/webhook/test", { url: "http://127.0.0.1:1/" });
    expect(resultOf(nobody)).toMatchObject({ delivered: false, attempt: { errorType: "network" } });
    expect(failing.arrivals).toHaveLength(1);
  });

  test.concurrent("any URL can be tested, with a secret and a payload as it is spelled", async () => {
    const hook = receiver.hook();
    const secret = standardSecret();
    const text = `{"url":"${hook.url}","secret":"${secret}","format":"raw","payload":{"b":1.0, "a":2}}`;
    const { delivered, delivery } = resultOf(await service.api.post("/webhook/test", text));
    expect([delivered, delivery.eventType]).toEqual([true, "lead.captured"]);
    const [arrival] = hook.arrivals;
    expect(arrival?.body).toBe('{"b":1.0, "a":2}');
    const headers = arrival?.headers as Record<string, string>;
    expect(() => new Webhook(secret).verify(arrival?.body ?? "", headers)).not.toThrow();
    expect(service.everythingSaid()).not.toContain(secret);
  });

  test.concurrent("a disabled endpoint is tested all the same", async () => {
    const hook = receiver.hook();
    const { endpoint } = await register(service.api, { url: hook.url, enabled: false });
    expect(resultOf(await testEndpoint(endpoint.id)).delivered).toBe(true);
    expect(hook.arrivals).toHaveLength(1);
  });

  test.concurrent("a test does not wait in an ordered endpoint's line", async () => {
    const hook = receiver.hook(500, 200);
    const { endpoint } = await register(service.api, { url: hook.url, ordered: true });
    const first = await service.api.deliver({ endpointId: endpoint.id, payload: 1 });
    await service.attempted(first.id, 1);
    expect(resultOf(await testEndpoint(endpoint.id)).delivered).toBe(true);
    expect(await service.api.read(first.id)).toMatchObject({ status: "pending", attempt: 1 });
  });

  test.concurrent("other clients' endpoints are not there", async () => {
    const hook = receiver.hook();
    const [us, them] = await Promise.all([
      newClient(service.api, "Us"),
      newClient(service.api, "Them"),
    ]);
    const { endpoint } = await register(service.api, { url: hook.url }, us.as);
    const answer = await service.api.post(`/endpoints/${endpoint.id}/test`, {}, them.as);
    expect([answer.status, answer.body.error.code]).toEqual([404, "endpoint_not_found"]);
    const ours = resultOf(await service.api.post(`/endpoints/${endpoint.id}/test`, {}, us.as));
    expect(ours.delivery).toMatchObject({ clientId: us.id });
    expect(hook.arrivals).toHaveLength(1);
  });

  test.concurrent.each([
    [{}, "invalid_request", "body.url"],
    [{ url: "ftp://example.com/" }, "invalid_url", "body.url"],
    [{ url: "http://10.0.0.1/" }, "address_refused", "body.url"],
    [{ url: "http://127.0.0.1/", secret: "abc" }, "invalid_request", "body.secret"],
    [{ url: "http://127.0.0.1/", format: "carrier pigeon" }, "invalid_request", "body.format"],
  ])("refuses to test %j", async (body, code, field) => {
    const { status, body: said } = await service.api.post("/webhook/test", body);
    expect([status, said.error.code, said.error.details?.[0]?.field]).toEqual([400, code, field]);
  });

  test.concurrent.each(["not-an-id", "00000000-0000-7000-8000-000000000000"])(
    "there is no endpoint %s to test",
    async (id) => {
      const answer = await testEndpoint(id);
      expect([answer.status, answer.body.error.code]).toEqual([404, "endpoint_not_found"]);
    },
  );
});

test("a test that no worker takes is answered with 503 and never leaves", async () => {
  await using service = await startService({
    backend: "redis",
    workers: 0,
    env: { DELIVERY_TIMEOUT_MS: "100" },
  });
  await using receiver = await startReceiver();
  const [hook, control] = [receiver.hook(), receiver.hook()];
  const answer = await service.api.post("/webhook/test", { url: hook.url });
  expect([answer.status, answer.body.error.code]).toEqual([503, "unavailable"]);
  expect(answer.body.error.message).toContain("No worker");
  const { deliveries } = (await service.api.get("/webhook-delivery")).body;
  expect(deliveries.map(({ status }) => status)).toEqual(["cancelled"]);

  await service.startWorker();
  await service.api.deliver(deliveryTo(control));
  await control.waitFor(1);
  expect(hook.arrivals).toHaveLength(0);
});
