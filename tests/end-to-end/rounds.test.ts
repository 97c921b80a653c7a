/** What the attempts of a delivery have in common, what is written about them, how people step in. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deliveryTo, plainSecret } from "@webhook-delivery/shared/testing/factories.ts";
import {
  holdUntil,
  startReceiver,
  type Answer,
  type Arrival,
  type Hook,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const env = {
  RETRY_SCHEDULE_SECONDS: "0.3,0.6,0.9",
  WORKER_CONCURRENCY: "20",
  RATE_LIMIT_PER_SECOND: "0",
};

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    [service, receiver] = await Promise.all([startService({ backend, env }), startReceiver()]);
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  function requireArrival(hook: Hook, at: number): Arrival {
    const arrival = hook.arrivals[at];
    if (arrival === undefined) throw new Error(`there was no arrival ${at + 1}`);
    return arrival;
  }

  test.concurrent("every attempt has the same id and body and its own timestamp", async () => {
    const hook = receiver.hook({ status: 503, headers: { "retry-after": "1" } }, 200);
    const { id } = await service.api.deliver(deliveryTo(hook, { webhookSecret: plainSecret() }));
    await service.finished(id);
    const [first, second] = hook.arrivals;
    expect(second?.bytes.equals(first?.bytes ?? Buffer.alloc(0))).toBe(true);
    for (const name of ["webhook-id", "x-webhook-signature", "x-webhook-event"]) {
      expect(first?.headers[name]).toBeDefined();
      expect(second?.headers[name]).toBe(first?.headers[name]);
    }
    for (const name of ["webhook-timestamp", "webhook-signature", "x-webhook-attempt"]) {
      expect(second?.headers[name]).not.toBe(first?.headers[name]);
    }
  });

  test.concurrent("the log tells of every attempt what the receiver saw", async () => {
    const hook = receiver.hook(
      { status: 500, headers: { "x-answer": "one" }, body: "not now" },
      { status: 204, headers: { "x-answer": "two" } },
    );
    const { id } = await service.api.deliver(deliveryTo(hook, { webhookSecret: plainSecret() }));
    await service.finished(id);
    const [logs, { attempts }] = await Promise.all([service.api.logs(id), service.api.read(id)]);
    expect(logs).toEqual(attempts);
    expect(logs).toMatchObject([
      {
        deliveryId: id,
        attemptNumber: 1,
        responseStatus: 500,
        responseHeaders: { "x-answer": "one" },
        responseBody: "not now",
        errorType: "http",
        willRetry: true,
      },
      {
        attemptNumber: 2,
        responseStatus: 204,
        responseHeaders: { "x-answer": "two" },
        errorType: null,
        error: null,
        willRetry: false,
        retryAt: null,
      },
    ]);
    for (const [at, log] of logs.entries()) {
      const { headers, atMs, answeredAtMs = 0 } = requireArrival(hook, at);
      const { host: _host, connection: _connection, "content-length": _length, ...ours } = headers;
      expect(log.requestHeaders).toEqual(ours);
      const attemptedAtMs = Date.parse(log.attemptedAt);
      expect(attemptedAtMs).toBeLessThanOrEqual(atMs);
      expect(attemptedAtMs).toBeGreaterThan(atMs - 1_000);
      expect(log.durationMs).toBeGreaterThanOrEqual(Math.floor(answeredAtMs - atMs) - 5);
    }
    const retryAtMs = Date.parse(logs[0]?.retryAt ?? "");
    expect(hook.arrivals[1]?.atMs).toBeGreaterThanOrEqual(retryAtMs);
  });

  test.concurrent("a manual retry starts a new round with the same webhook-id", async () => {
    const hook = receiver.hook(500, 500, 500, 200);
    const { id } = await service.api.deliver(deliveryTo(hook, { maxAttempts: 2 }));
    await service.attempted(id, 2);
    expect(await service.api.read(id)).toMatchObject({ status: "failed", attempt: 2 });

    const answer = await service.api.post(`/webhook-delivery/${id}/retry`);
    expect(answer.status).toBe(202);
    expect(answer.body.delivery).toMatchObject({ id, status: "pending" });
    const arrivals = await hook.waitFor(4);
    await service.attempted(id, 4);
    expect(await service.api.read(id)).toMatchObject({ status: "success", attempt: 4 });
    expect(new Set(arrivals.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([id]));
  });

  test.concurrent("a delivery that succeeded can be sent again", async () => {
    const hook = receiver.hook();
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.attempted(id, 1);
    expect((await service.api.post(`/webhook-delivery/${id}/retry`)).status).toBe(202);
    await service.attempted(id, 2);
    expect(hook.arrivals).toHaveLength(2);
    expect(await service.api.read(id)).toMatchObject({ status: "success", attempt: 2 });
  });

  test.concurrent("a delivery in flight can be neither retried nor cancelled", async () => {
    const released = Promise.withResolvers<void>();
    const hook = receiver.hook(holdUntil(released.promise));
    const { id } = await service.api.deliver(deliveryTo(hook));
    await hook.waitFor(1);
    expect(await service.api.read(id)).toMatchObject({ status: "sent", attempt: 1 });
    const retry = await service.api.post(`/webhook-delivery/${id}/retry`);
    const cancel = await service.api.post(`/webhook-delivery/${id}/cancel`);
    expect([retry.status, retry.body.error.code]).toEqual([409, "not_retryable"]);
    expect([cancel.status, cancel.body.error.code]).toEqual([409, "not_cancellable"]);
    released.resolve();
    await service.finished(id);
    expect(hook.arrivals).toHaveLength(1);
    const again = await service.api.post(`/webhook-delivery/${id}/cancel`);
    expect([again.status, again.body.error.code]).toEqual([409, "not_cancellable"]);
  });

  test.concurrent("a cancelled delivery never leaves, until it is retried by hand", async () => {
    const later: Answer = { status: 503, headers: { "retry-after": "1" } };
    const [hook, control] = [receiver.hook(later, 200), receiver.hook(later, 200)];
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.attempted(id, 1);
    const early = await service.api.post(`/webhook-delivery/${id}/retry`);
    expect([early.status, early.body.error.code]).toEqual([409, "not_retryable"]);
    const cancelled = await service.api.post(`/webhook-delivery/${id}/cancel`);
    expect(cancelled.status).toBe(200);
    expect(cancelled.body.delivery).toMatchObject({ id, status: "cancelled", nextRetryAt: null });

    // When the control's retry has come, the cancelled one's would have come before.
    const other = await service.api.deliver(deliveryTo(control));
    await service.finished(other.id);
    expect(hook.arrivals).toHaveLength(1);
    expect(await service.api.read(id)).toMatchObject({ status: "cancelled", attempt: 1 });

    expect((await service.api.post(`/webhook-delivery/${id}/retry`)).status).toBe(202);
    await service.finished(id);
    expect(hook.arrivals).toHaveLength(2);
  });

  test.concurrent.each(["retry", "cancel"])("%s of what does not exist is 404", async (verb) => {
    for (const id of ["00000000-0000-7000-8000-000000000000", "not-a-uuid"]) {
      const answer = await service.api.post(`/webhook-delivery/${id}/${verb}`);
      expect([answer.status, answer.body.error.code]).toEqual([404, "not_found"]);
    }
  });
});
