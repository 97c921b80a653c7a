/** When attempts are made. Both backends wait side by side, since one test takes 35 s of real time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import {
  startReceiver,
  type Answer,
  type Arrival,
  type Hook,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const WAITS_MS = [300, 600, 900];
const env = {
  RETRY_SCHEDULE_SECONDS: "0.3,0.6,0.9",
  WORKER_CONCURRENCY: "20",
  RATE_LIMIT_PER_SECOND: "0",
};
/** The queue's lateness on a machine that runs other tests beside: too early is what must not be. */
const LATENESS_MS = 4_000;
/** Rows hold whole milliseconds. */
const ROUNDING_MS = 1;

describe.concurrent.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  const receivers = new AsyncDisposableStack();

  beforeAll(async () => {
    service = await startService({ backend, env });
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receivers.disposeAsync();
  });

  /** On a port of its own: what asks for a pause gets it for the whole destination. */
  async function newHook(...answers: Answer[]): Promise<Hook> {
    return receivers.use(await startReceiver()).hook(...answers);
  }

  /** From the end of one attempt to the beginning of the next, as the receiver saw them. */
  function waitsBetween(arrivals: readonly Arrival[]): number[] {
    return arrivals
      .slice(1)
      .map((arrival, at) => arrival.atMs - (arrivals[at]?.answeredAtMs ?? Number.NaN));
  }

  /** A sentence, so that a test that fails tells by how much. */
  function punctuality(actualMs: number | undefined, waitMs: number): string {
    const lateMs = (actualMs ?? Number.NaN) - waitMs;
    if (lateMs >= -ROUNDING_MS && lateMs < LATENESS_MS) return "on time";
    return `${lateMs} ms after its time`;
  }

  test.concurrent("the waits count from the end of the attempt before", async () => {
    const slow500: Answer = (response) => {
      setTimeout(() => response.writeHead(500).end(), 400);
    };
    const hook = await newHook(slow500);
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.finished(id);
    const waits = waitsBetween(hook.arrivals);
    expect(waits).toHaveLength(3);
    for (const [at, waitMs] of WAITS_MS.entries())
      expect(punctuality(waits[at], waitMs)).toBe("on time");
  });

  test.concurrent("a delivery that needs all four attempts succeeds with the fourth", async () => {
    const hook = await newHook(500, 503, 429, 200);
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.finished(id);
    expect(await service.api.read(id)).toMatchObject({
      status: "success",
      attempt: 4,
      maxAttempts: 4,
      errorType: null,
      lastError: null,
      responseStatus: 200,
    });
    expect(hook.arrivals).toHaveLength(4);
  });

  test.concurrent("maxAttempts bounds the attempts, also beyond the schedule", async () => {
    const [once, five] = [await newHook(500), await newHook(500)];
    const [first, second] = await Promise.all([
      service.api.deliver(deliveryTo(once, { maxAttempts: 1 })),
      service.api.deliver(deliveryTo(five, { maxAttempts: 5 })),
    ]);
    await Promise.all([service.finished(first.id), service.finished(second.id)]);
    expect(once.arrivals).toHaveLength(1);
    expect(five.arrivals).toHaveLength(5);
  });

  test.concurrent.each([429, 503])(
    "Retry-After in seconds on %i is waited for when it is later than the schedule",
    async (status) => {
      const hook = await newHook({ status, headers: { "retry-after": "2" } }, 200);
      const { id } = await service.api.deliver(deliveryTo(hook));
      await service.finished(id);
      expect(punctuality(waitsBetween(hook.arrivals)[0], 2_000)).toBe("on time");
    },
  );

  test.concurrent("Retry-After as a date is waited for", async () => {
    let dateMs = 0;
    const hook = await newHook((response) => {
      dateMs = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
      response.writeHead(503, { "retry-after": new Date(dateMs).toUTCString() }).end();
    }, 200);
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.finished(id);
    const lateMs = (hook.arrivals[1]?.atMs ?? 0) - dateMs;
    expect(lateMs).toBeGreaterThanOrEqual(-ROUNDING_MS);
    expect(lateMs).toBeLessThan(LATENESS_MS);
  });

  test.concurrent.each([
    ["on a 500", 500, "60"],
    ["earlier than the schedule", 503, "0"],
    ["that is no time", 429, "soon"],
  ])("a Retry-After %s leaves the schedule alone", async (_what, status, value) => {
    const hook = await newHook({ status, headers: { "retry-after": value } }, 200);
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.finished(id);
    expect(punctuality(waitsBetween(hook.arrivals)[0], 300)).toBe("on time");
  });

  test.concurrent("a Retry-After of a day is cut to an hour", async () => {
    const hook = await newHook({ status: 429, headers: { "retry-after": "86400" } });
    const { id } = await service.api.deliver(deliveryTo(hook));
    await service.attempted(id, 1);
    const { nextRetryAt, attempts } = await service.api.read(id);
    expect(attempts[0]?.retryAt).toBe(nextRetryAt);
    const waitMs = Date.parse(nextRetryAt ?? "") - (hook.arrivals[0]?.answeredAtMs ?? 0);
    expect(waitMs).toBeGreaterThan(3_599_000);
    expect(waitMs).toBeLessThan(3_600_000 + LATENESS_MS);
  });

  test.concurrent("by default attempts come after 0, 5 and 30 s and the fourth is due 125 s later", async () => {
    await using unhurried = await startService({ backend });
    const hook = await newHook(500);
    const acceptedAtMs = Date.now();
    const { id } = await unhurried.api.deliver(deliveryTo(hook));
    await unhurried.attempted(id, 3);

    for (const [at, dueMs] of [0, 5_000, 30_000].entries()) {
      const afterMs = (hook.arrivals[at]?.atMs ?? 0) - acceptedAtMs;
      expect(afterMs).toBeGreaterThanOrEqual(dueMs);
      expect(afterMs).toBeLessThan(dueMs + LATENESS_MS);
    }
    expect(hook.arrivals).toHaveLength(3);
    const { status, maxAttempts, nextRetryAt } = await unhurried.api.read(id);
    expect({ status, maxAttempts }).toEqual({ status: "pending", maxAttempts: 4 });
    const waitMs = Date.parse(nextRetryAt ?? "") - (hook.arrivals[2]?.answeredAtMs ?? 0);
    expect(waitMs).toBeGreaterThanOrEqual(124_999);
    expect(waitMs).toBeLessThan(125_000 + LATENESS_MS);
  });
});
