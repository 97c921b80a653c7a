/** A queue that is down, frozen, slow or not there yet neither delays nor loses what is accepted. */
import { describe, expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Hook } from "@webhook-delivery/shared/testing/receiver.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import { receipts } from "./crew.ts";
import { createOwnRedis, type OwnRedis } from "./own-redis.ts";

const POSTS = 10;
/** A fault that a request waits for costs it a second and more. */
const SLACK_MS = 700;

interface Posted {
  readonly ids: readonly string[];
  /** How much longer each took than a read beside it, which needs no queue: a busy machine delays both. */
  readonly extraMs: readonly number[];
}

/** One after the other; each of them is a row when it is answered. */
async function post({ api, database }: TestService, hook: Hook): Promise<Posted> {
  const ids: string[] = [];
  const extraMs: number[] = [];
  // Whoever comes first waits for the connection to the database.
  await api.get("/webhook-delivery");
  for (let n = 0; n < POSTS; n++) {
    const [{ value: id, tookMs }, read] = await Promise.all([
      timed(async () => (await api.deliver(deliveryTo(hook))).id),
      timed(() => api.get("/webhook-delivery?limit=1")),
    ]);
    const [row] = await database.sql`select status from webhook_deliveries where id = ${id}`;
    expect(row).toBeDefined();
    ids.push(id);
    extraMs.push(tookMs - read.tookMs);
  }
  return { ids, extraMs };
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; tookMs: number }> {
  const askedAt = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - askedAt };
}

function expectPrompt({ extraMs }: Posted): void {
  expect(Math.max(...extraMs)).toBeLessThan(SLACK_MS);
}

async function expectEachOnce(hook: Hook, posted: readonly Posted[]): Promise<void> {
  const ids = posted.flatMap((one) => one.ids);
  await hook.waitFor(ids.length);
  const expected = ids.map((id) => ({ id, attempt: "1" }));
  const byId = (a: { id: string }, b: { id: string }): number => a.id.localeCompare(b.id);
  expect(receipts(hook).toSorted(byId)).toEqual(expected.toSorted(byId));
}

interface Fault {
  begin(redis: OwnRedis): Promise<void>;
  end(redis: OwnRedis): Promise<void>;
}

const FAULTS: Record<string, Fault> = {
  killed: { begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  frozen: {
    begin: async (redis) => redis.freeze(),
    end: async (redis) => redis.thaw(),
  },
};
const FAULTS_AT_START: Record<string, Fault> = {
  "not there": { begin: async () => {}, end: (redis) => redis.start() },
  silent: {
    async begin(redis) {
      await redis.start();
      redis.freeze();
    },
    end: async (redis) => redis.thaw(),
  },
};

describe("deliveries are accepted promptly and leave by themselves afterwards", () => {
  test.concurrent.each(Object.entries(FAULTS))("when Redis is %s", async (_name, fault) => {
    await using receiver = await startReceiver();
    await using redis = await createOwnRedis();
    await redis.start();
    await using service = await startService({ backend: "redis", env: { REDIS_URL: redis.url } });
    const hook = receiver.hook();
    const normal = await post(service, hook);
    await expectEachOnce(hook, [normal]);

    await fault.begin(redis);
    const faulty = await post(service, hook);
    expectPrompt(faulty);
    await service.workers[0]?.waitForEvent("queue.unavailable");
    await fault.end(redis);
    await expectEachOnce(hook, [normal, faulty]);
  });

  test.concurrent.each(Object.entries(FAULTS_AT_START))(
    "when Redis is %s from the start",
    async (_name, fault) => {
      await using receiver = await startReceiver();
      await using redis = await createOwnRedis();
      await fault.begin(redis);
      await using service = await startService({ backend: "redis", env: { REDIS_URL: redis.url } });
      const hook = receiver.hook();
      const faulty = await post(service, hook);
      await service.workers[0]?.waitForEvent("queue.unavailable");
      expect(receipts(hook)).toEqual([]);

      await fault.end(redis);
      await expectEachOnce(hook, [faulty]);
      const normal = await post(service, hook);
      expectPrompt(faulty);
      await expectEachOnce(hook, [faulty, normal]);
    },
  );

  test.concurrent("when the leases in PostgreSQL are locked", async () => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend: "postgres" });
    const hook = receiver.hook();
    const normal = await post(service, hook);
    await expectEachOnce(hook, [normal]);

    const lock = await service.database.sql.reserve();
    await lock`begin`;
    await lock`lock table delivery_leases, delivery_schedulers in access exclusive mode`;
    const faulty = await post(service, hook);
    expectPrompt(faulty);
    await lock`rollback`;
    lock.release();
    await expectEachOnce(hook, [normal, faulty]);
  });
});
