/**
 * What both queues promise (packages/shared/src/queue/queue.ts), asked of each on its real server. What is
 * around them (claims, scheduling, restarts) has tests of its own in tests/recovery.
 */
import { randomUUID } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { PERMIT_KINDS, type Permit } from "@webhook-delivery/shared/core/permit.ts";
import type { QueuedPermit } from "@webhook-delivery/shared/queue/queue.ts";
import { createForwarder } from "@webhook-delivery/shared/testing/forwarder.ts";
import { BACKENDS } from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";
import { createRedisTestQueue, createTestQueue, type TestWorker } from "./test-queue.ts";

const DESTINATION = "https://receiver.example/hooks/one";

function permit(changes: Partial<QueuedPermit> = {}): QueuedPermit {
  return {
    deliveryId: randomUUID(),
    destinationKey: DESTINATION,
    kind: "normal",
    delayMs: 0,
    ...changes,
  };
}

function permits(count: number): QueuedPermit[] {
  return Array.from({ length: count }, () => permit());
}

const idOf = ({ deliveryId }: Permit): string => deliveryId;
const sortedIds = (some: readonly Permit[]): string[] => some.map(idOf).sort();

function startedBy(...workers: TestWorker[]): Permit[] {
  return workers.flatMap(({ started }) => started);
}

describe.each(BACKENDS)("the queue in %s", (backend) => {
  test("gives every permit to exactly one of two consumers, as it is", async () => {
    await using queue = await createTestQueue(backend);
    const one = await queue.startWorker();
    const other = await queue.startWorker();
    const sent = Array.from({ length: 200 }, (_, n) => {
      const kind = PERMIT_KINDS[n % PERMIT_KINDS.length] ?? "normal";
      return permit({ kind, destinationKey: `${DESTINATION}-${n % 2}` });
    });
    // In several calls, as several schedulers make them.
    const calls = [0, 50, 100, 150].map((from) => queue.enqueue(sent.slice(from, from + 50)));
    await Promise.all(calls);
    await queue.until(() => startedBy(one, other).length >= sent.length);
    // What somebody took a second time is run before they are closed.
    await Promise.all([one.close(), other.close()]);

    const got = startedBy(one, other);
    expect(sortedIds(got)).toEqual(sortedIds(sent));
    const byId = new Map(got.map((each) => [each.deliveryId, each]));
    for (const { deliveryId, kind } of sent) expect(byId.get(deliveryId)?.kind).toBe(kind);
    // Whatever a queue calls a destination, it is the same for all of its permits, and for no others.
    for (const remainder of [0, 1]) {
      const its = sent.filter((_, n) => n % 2 === remainder);
      const names = new Set(its.map(({ deliveryId }) => byId.get(deliveryId)?.destinationKey));
      expect(names.size).toBe(1);
    }
    expect(new Set(got.map(({ destinationKey }) => destinationKey)).size).toBe(2);
  });

  test("gives out what waited before there was a consumer", async () => {
    await using queue = await createTestQueue(backend);
    const sent = permits(20);
    await queue.enqueue(sent);
    const worker = await queue.startWorker();
    await queue.until(() => worker.started.length >= sent.length);
    await worker.close();
    expect(sortedIds(worker.started)).toEqual(sortedIds(sent));
  });

  test("gives out a delayed permit not before its time, and others meanwhile", async () => {
    await using queue = await createTestQueue(backend);
    const startedAt = new Map<string, number>();
    const worker = await queue.startWorker({
      run: ({ deliveryId }) => void startedAt.set(deliveryId, Date.now()),
    });
    const delayed = permit({ delayMs: 700 });
    const prompt = permit();
    // The wall clock, because it is what the servers go by.
    const notBefore = Date.now() + delayed.delayMs;
    await queue.enqueue([delayed, prompt]);
    await queue.until(() => worker.started.length === 2);
    await worker.close();
    expect(worker.started.map(idOf)).toEqual([prompt.deliveryId, delayed.deliveryId]);
    expect(startedAt.get(delayed.deliveryId)).toBeGreaterThanOrEqual(notBefore);
  });

  test("lets a consumer run as many at once as it has slots, and the rest after them", async () => {
    await using queue = await createTestQueue(backend);
    const sent = permits(6);
    await queue.enqueue(sent);
    const full = await queue.startWorker({ slots: 2, isHeld: true });
    await queue.until(() => full.started.length >= 2);
    // That another one gets something proves that `full` has had the time to take too much.
    const other = await queue.startWorker({ slots: 1, isHeld: true });
    await queue.until(() => other.started.length >= 1);
    expect(full.started).toHaveLength(2);

    // The other one stays as it is, so the rest can only come here.
    full.release();
    await queue.until(() => full.started.length >= 5);
    expect(full.peak()).toBe(2);
    expect(other.started).toHaveLength(1);
    expect(sortedIds(startedBy(full, other))).toEqual(sortedIds(sent));
  });

  test("reports a run that throws once, and goes on", async () => {
    await using queue = await createTestQueue(backend);
    const bad = permit();
    const error = new Error("this run fails");
    // One slot: it has to be free again.
    const worker = await queue.startWorker({
      slots: 1,
      run({ deliveryId }) {
        if (deliveryId === bad.deliveryId) throw error;
      },
    });
    await queue.enqueue([bad]);
    await queue.until(() => worker.failures.length > 0);
    const next = permits(3);
    await queue.enqueue(next);
    await queue.until(() => worker.started.length >= 1 + next.length);
    await worker.close();
    expect(worker.failures).toEqual([error]);
    expect(sortedIds(worker.started)).toEqual(sortedIds([bad, ...next]));
  });

  test("close() waits for what runs and takes nothing new", async () => {
    await using queue = await createTestQueue(backend);
    const sent = permits(5);
    await queue.enqueue(sent);
    const leaving = await queue.startWorker({ slots: 1, isHeld: true });
    await queue.until(() => leaving.started.length === 1);

    let isClosed = false;
    const closing = leaving.close().then(() => (isClosed = true));
    const staying = await queue.startWorker({ slots: 1, isHeld: true });
    await queue.until(() => staying.started.length === 1);
    expect(isClosed).toBe(false);

    // Its slot is free now, and three permits wait: the other one is still held.
    leaving.release();
    await closing;
    expect(leaving.started).toHaveLength(1);

    staying.release();
    await queue.until(() => staying.started.length >= sent.length - 1);
    expect(leaving.started).toHaveLength(1);
    expect(sortedIds(startedBy(leaving, staying))).toEqual(sortedIds(sent));
  });

  test("a wake reaches every consumer", async () => {
    await using queue = await createTestQueue(backend);
    const workers = [await queue.startWorker(), await queue.startWorker()];
    await queue.untilWakesReach(workers.length);
    const before = workers.map((worker) => worker.wakes());
    queue.producer.wake();
    await queue.until(() => workers.every((worker, n) => worker.wakes() > (before[n] ?? 0)));
  });

  test("a hundred wakes at once are few messages", async () => {
    await using queue = await createTestQueue(backend);
    const count = await queue.countWakes(async () => {
      for (let n = 0; n < 100; n++) queue.producer.wake();
      // Resolves when the last one is sent.
      await queue.producer.close();
    });
    expect(count).toBeGreaterThanOrEqual(1);
    expect(count).toBeLessThanOrEqual(10);
  });
});

describe("the queue in Redis", () => {
  // Without Redis the check of the database says it.
  test("check() finds nothing wrong when the server is there, and something while it is away", async () => {
    await using queue = await createRedisTestQueue();
    await using way = await createForwarder(queue.url);
    // Away at first: a first connection that failed is not to be remembered.
    const producer = queue.openProducer(way.url);
    const isUsable = (): Promise<boolean> =>
      producer.check().then(
        (problem) => problem === undefined,
        () => false,
      );
    expect(await isUsable()).toBe(false);
    await way.open();
    await vi.waitFor(async () => expect(await isUsable()).toBe(true), PATIENCE);
    await way.close();
    expect(await isUsable()).toBe(false);
    // A rejection is to come from the way, not from the server behind it.
    expect(await queue.producer.check()).toBeUndefined();
  });

  test("says once that it has lost everything: when it is new, and after a loss", async () => {
    await using queue = await createRedisTestQueue();
    const another = queue.openProducer(queue.url);
    await vi.waitFor(async () => expect(await another.check()).toBeUndefined(), PATIENCE);
    const expectSaidOnce = async (): Promise<void> => {
      expect(await queue.producer.hasLostEverything()).toBe(true);
      expect(await queue.producer.hasLostEverything()).toBe(false);
      // One revocation is enough, whoever makes it.
      expect(await another.hasLostEverything()).toBe(false);
    };
    await expectSaidOnce();
    await queue.enqueue(permits(1));
    await queue.redis.loseEverything();
    // What came after the loss does not hide it.
    await queue.enqueue(permits(1));
    await expectSaidOnce();
  });
});
