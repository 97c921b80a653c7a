/** Ordered endpoints: one delivery at a time, in the order of acceptance, whatever happens meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  startReceiver,
  type Answer,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { deliveriesOf, publish, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const env = {
  RETRY_SCHEDULE_SECONDS: "0.1,0.1,0.1",
  RATE_LIMIT_PER_SECOND: "0",
  WORKER_CONCURRENCY: "20",
};

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

/** A receiver that sees whether two requests ever overlap. */
function watchOverlap(statuses: readonly number[], takesMs = 5) {
  let open = 0;
  const seen = { most: 0 };
  const answer = (status: number): Answer => {
    return (response) => {
      seen.most = Math.max(seen.most, ++open);
      setTimeout(() => {
        open--;
        response.writeHead(status).end();
      }, takesMs);
    };
  };
  return { hook: receiver.hook(...statuses.map(answer)), seen };
}

/** The payloads' numbers in the order in which they arrived, repeats of one left out. */
function orderOf(bodies: readonly { readonly body: string }[]): number[] {
  const numbers = bodies.map(({ body }) => (JSON.parse(body) as { n: number }).n);
  return numbers.filter((n, index) => n !== numbers[index - 1]);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService({ backend, workers: 2, env });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const registerOrdered = async (url: string, also: object = {}) => {
    const { endpoint } = await register(service.api, {
      url,
      format: "raw",
      ordered: true,
      ...also,
    });
    return endpoint.id;
  };
  const deliverInOrder = async (endpointId: string, numbers: readonly number[]) => {
    const ids: string[] = [];
    for (const n of numbers) {
      ids.push((await service.api.deliver({ endpointId, payload: { n } })).id);
    }
    return ids;
  };
  /** Until all of these are finished, whichever worker finishes them and whoever dies meanwhile. */
  const allFinished = async (endpointId: string, count: number) => {
    for (;;) {
      const deliveries = await deliveriesOf(service.api, endpointId);
      const finished = deliveries.filter(({ status }) => status !== "pending" && status !== "sent");
      if (finished.length === count) return deliveries;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  test("deliveries arrive one at a time in the order of acceptance", async () => {
    const { hook, seen } = watchOverlap([200]);
    const id = await registerOrdered(hook.url);
    await deliverInOrder(id, upTo(60));
    await hook.waitFor(60);
    expect(orderOf(hook.arrivals)).toEqual(upTo(60));
    expect(seen.most).toBe(1);
  });

  test("a failing one holds those behind it until it is final", async () => {
    // The second delivery fails for good after its four attempts.
    const { hook, seen } = watchOverlap([200, 500, 500, 500, 500, 200]);
    const id = await registerOrdered(hook.url);
    await deliverInOrder(id, upTo(5));
    await hook.waitFor(8);
    const numbers = hook.arrivals.map(({ body }) => (JSON.parse(body) as { n: number }).n);
    expect(numbers).toEqual([0, 1, 1, 1, 1, 2, 3, 4]);
    expect(seen.most).toBe(1);
    const deliveries = await allFinished(id, 5);
    expect(deliveries.map(({ status }) => status)).toEqual([
      "success",
      "success",
      "success",
      "failed",
      "success",
    ]);
  });

  test("a cancelled one lets the next go, a retried one joins the end", async () => {
    const held = Promise.withResolvers<void>();
    const hook = receiver.hook((response) => {
      void held.promise.then(() => response.writeHead(400).end());
    }, 200);
    const id = await registerOrdered(hook.url);
    const [first = "", second = ""] = await deliverInOrder(id, upTo(4));
    await hook.waitFor(1);
    expect((await service.api.post(`/webhook-delivery/${second}/cancel`)).status).toBe(200);
    held.resolve();
    await service.finished(first);
    expect((await service.api.post(`/webhook-delivery/${first}/retry`)).status).toBe(202);
    await hook.waitFor(4);
    expect(orderOf(hook.arrivals)).toEqual([0, 2, 3, 0]);
  });

  test("events to an ordered endpoint arrive in the order of publication", async () => {
    const { hook, seen } = watchOverlap([200], 1);
    const type = `ordered.${backend}`;
    await registerOrdered(hook.url, { eventTypes: [type] });
    for (const n of upTo(20)) await publish(service.api, { type, data: { n } });
    await hook.waitFor(20);
    expect([orderOf(hook.arrivals), seen.most]).toEqual([upTo(20), 1]);
  });

  test("one line that fails holds no other line, and no endpoint without order", async () => {
    const [failing, well, free] = [receiver.hook(500), receiver.hook(), receiver.hook()];
    const slow = { retryScheduleSeconds: [600] };
    const failingId = await registerOrdered(failing.url, slow);
    const wellId = await registerOrdered(well.url);
    const { endpoint } = await register(service.api, { url: free.url });
    await deliverInOrder(failingId, upTo(10));
    await deliverInOrder(wellId, upTo(10));
    await deliverInOrder(endpoint.id, upTo(10));
    await Promise.all([well.waitFor(10), free.waitFor(10)]);
    expect(failing.arrivals).toHaveLength(1);
    // A delivery of a line is not begun before its turn, whatever a job may say.
    const [counted] = await service.database.sql`
      select count(*) filter (where held)::int as held, count(*)::int as waiting
      from webhook_deliveries where endpoint_id = ${failingId} and status = 'pending'`;
    expect(counted).toEqual({ held: 9, waiting: 10 });
  });

  test("an endpoint whose order is switched off gets what waited at once", async () => {
    const hook = receiver.hook(500, 200);
    const id = await registerOrdered(hook.url, { retryScheduleSeconds: [600] });
    await deliverInOrder(id, upTo(6));
    await hook.waitFor(1);
    await service.api.send("PATCH", `/endpoints/${id}`, { ordered: false });
    await hook.waitFor(6);
    expect(new Set(orderOf(hook.arrivals))).toEqual(new Set(upTo(6)));
  });

  test("order survives workers that are killed in the middle of it", async () => {
    const { hook } = watchOverlap([200, 500, 200, 200, 503, 200, 200, 200], 30);
    const id = await registerOrdered(hook.url);
    const accepting = deliverInOrder(id, upTo(60));
    const killed = new Set<object>();
    for (const round of [0, 1]) {
      await hook.waitFor(15 * (round + 1));
      const victim = service.workers.find((worker) => !killed.has(worker));
      if (victim === undefined) throw new Error("no worker is left");
      killed.add(victim);
      await victim.kill();
      await service.startWorker();
    }
    await accepting;
    await allFinished(id, 60);
    // An attempt that was cut off may be made twice; nothing overtakes and nothing is missing.
    expect(orderOf(hook.arrivals)).toEqual(upTo(60));
  });
});
