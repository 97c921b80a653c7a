/** What counts as what: section 5's table, row by row, with a receiver that does each of these things. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import {
  dripBody,
  dripHeaders,
  endlessBody,
  hang,
  reset,
  startReceiver,
  type Answer,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const TIMEOUT_MS = 1_000;
/** What a busy machine may add; without its timeout an attempt would not end at all. */
const LATENESS_MS = 3_000;
const ATTEMPTS = 3;
const env = {
  RETRY_SCHEDULE_SECONDS: "0.2,0.2",
  DELIVERY_TIMEOUT_MS: String(TIMEOUT_MS),
  WORKER_CONCURRENCY: "40",
  RATE_LIMIT_PER_SECOND: "0",
};

const cutBeforeTheStatus: Answer = (response) => {
  response.socket?.end("HTTP/1.1 20");
};
const cutInTheBody: Answer = (response) => {
  response.writeHead(200, { "content-length": "1000" }).write("only this", () => {
    response.socket?.destroy();
  });
};
const notHttp: Answer = (response) => {
  response.socket?.end("SSH-2.0-OpenSSH_9.9\r\n");
};

/** A delivery all of whose attempts ended like `attempt`. */
function retriedInVain(attempt: object): object {
  const retried = { willRetry: true, retryAt: expect.any(String), ...attempt };
  return {
    status: "failed",
    attempt: ATTEMPTS,
    deliveredAt: null,
    nextRetryAt: null,
    lastError: expect.any(String),
    ...attempt,
    attempts: [
      { attemptNumber: 1, ...retried },
      { attemptNumber: 2, ...retried },
      { attemptNumber: 3, ...attempt, willRetry: false, retryAt: null },
    ],
  };
}

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

  async function deliverAndFinish(answer: Answer) {
    const hook = receiver.hook(answer);
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.finished(id);
    return { arrivals: hook.arrivals, delivery: await service.api.read(id) };
  }

  test.concurrent.each([200, 201, 202, 204, 299])("%i is a success at once", async (status) => {
    const { arrivals, delivery } = await deliverAndFinish(status);
    expect(arrivals).toHaveLength(1);
    expect(delivery).toMatchObject({
      status: "success",
      attempt: 1,
      responseStatus: status,
      errorType: null,
      lastError: null,
      deliveredAt: expect.any(String),
      nextRetryAt: null,
    });
    expect(delivery.attempts).toMatchObject([{ errorType: null, error: null, willRetry: false }]);
  });

  test.concurrent.each([301, 302, 303, 307, 308])(
    "%i is not followed and not retried",
    async (status) => {
      const elsewhere = receiver.hook();
      const { arrivals, delivery } = await deliverAndFinish({
        status,
        headers: { location: elsewhere.url },
      });
      expect(arrivals).toHaveLength(1);
      expect(elsewhere.arrivals).toEqual([]);
      expect(delivery).toMatchObject({ status: "failed", attempt: 1, errorType: "http" });
      expect(delivery.responseStatus).toBe(status);
    },
  );

  test.concurrent.each([304, 400, 401, 403, 404, 409, 410, 422])(
    "%i fails without a retry",
    async (status) => {
      const { arrivals, delivery } = await deliverAndFinish(status);
      expect(arrivals).toHaveLength(1);
      expect(delivery).toMatchObject({
        status: "failed",
        attempt: 1,
        responseStatus: status,
        errorType: "http",
        deliveredAt: null,
      });
    },
  );

  test.concurrent.each([429, 500, 501, 502, 503, 504])(
    "%i is retried until the attempts are used",
    async (status) => {
      const { arrivals, delivery } = await deliverAndFinish(status);
      expect(arrivals).toHaveLength(ATTEMPTS);
      expect(delivery).toMatchObject(retriedInVain({ responseStatus: status, errorType: "http" }));
    },
  );

  test.concurrent.each([
    ["says nothing", hang],
    ["drips headers", dripHeaders],
  ])("a receiver that %s times out and is retried", async (_what, answer) => {
    const { arrivals, delivery } = await deliverAndFinish(answer);
    expect(arrivals).toHaveLength(ATTEMPTS);
    expect(delivery).toMatchObject(retriedInVain({ responseStatus: null, errorType: "timeout" }));
    for (const { durationMs } of delivery.attempts ?? []) {
      expect(durationMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
      expect(durationMs).toBeLessThan(TIMEOUT_MS + LATENESS_MS);
    }
  });

  test.concurrent.each([
    ["resets the connection", reset],
    ["cuts the answer before the status", cutBeforeTheStatus],
    ["speaks another protocol", notHttp],
  ])("a receiver that %s is retried as a network failure", async (_what, answer) => {
    const { arrivals, delivery } = await deliverAndFinish(answer);
    expect(arrivals).toHaveLength(ATTEMPTS);
    expect(delivery).toMatchObject(retriedInVain({ responseStatus: null, errorType: "network" }));
  });

  test.concurrent("a port where nobody listens is retried as a network failure", async () => {
    const gone = await startReceiver();
    const hook = gone.hook();
    await gone[Symbol.asyncDispose]();
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.finished(id);
    expect(await service.api.read(id)).toMatchObject(
      retriedInVain({ responseStatus: null, errorType: "network" }),
    );
  });

  test.concurrent("a name that does not resolve is retried as a network failure", async () => {
    const { id } = await service.api.deliver(deliveryTo({ url: "http://nobody.invalid/hook" }));
    await service.finished(id);
    // Where names are not resolved at all, the lookup may take as long as an attempt may.
    const { attempts, status } = await service.api.read(id);
    expect(status).toBe("failed");
    expect(attempts).toHaveLength(ATTEMPTS);
    for (const { errorType } of attempts) expect(["network", "timeout"]).toContain(errorType);
  });

  test.concurrent.each([
    ["drips", dripBody],
    ["never ends", endlessBody],
    ["is cut off", cutInTheBody],
  ])("a 200 whose body %s is a success", async (_what, answer) => {
    const { arrivals, delivery } = await deliverAndFinish(answer);
    expect(arrivals).toHaveLength(1);
    expect(delivery).toMatchObject({ status: "success", attempt: 1, responseStatus: 200 });
    expect(delivery.responseBody?.length).toBeGreaterThan(0);
    expect(delivery.responseBody?.length).toBeLessThanOrEqual(1_000);
  });

  test.concurrent("the first 1,000 characters of an answer are kept, whole ones", async () => {
    const body = "🔑ü".repeat(1_000);
    const { delivery } = await deliverAndFinish({ status: 404, body });
    expect(Array.from(delivery.responseBody ?? "")).toHaveLength(1_000);
    expect(body.startsWith(delivery.responseBody ?? "?")).toBe(true);
  });

  test.concurrent("an answer that PostgreSQL could not store does not stop the road", async () => {
    const { delivery } = await deliverAndFinish((response) => {
      response.writeHead(500, { "x-odd": "\u00ff" }).end(Buffer.from([0, 0xff, 0xfe, 0xed, 0xa0]));
    });
    expect(delivery).toMatchObject(retriedInVain({ responseStatus: 500, errorType: "http" }));
  });

  test.concurrent("an address that is refused at send time is blocked and never called", async () => {
    // Accepted while loopback was open; the worker has been told otherwise since.
    const strict = await startService({
      backend,
      workers: 0,
      env: { ...env, RATE_LIMIT_PER_SECOND: "50" },
    });
    try {
      await strict.startWorker({ ALLOWED_PRIVATE_CIDRS: "" });
      const hook = receiver.hook();
      const { id } = await strict.api.deliver(deliveryTo(hook));
      await strict.finished(id);
      const delivery = await strict.api.read(id);
      expect(delivery).toMatchObject({ status: "failed", attempt: 1, errorType: "blocked" });
      expect(delivery.attempts).toMatchObject([{ errorType: "blocked", willRetry: false }]);
      expect(hook.arrivals).toEqual([]);
    } finally {
      await strict[Symbol.asyncDispose]();
    }
  });
});
