import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Producer, QueueJob } from "../queue/producer.ts";
import { createDirectEnqueue, QUEUE_LEASE_MS } from "./direct-enqueue.ts";

const DOWN = new Error("the queue is down");

/** A queue in memory that can be taken down, and everything that is told about it. */
function start({ limit = 100 } = {}) {
  const seen = {
    batches: [] as string[][],
    depthCalls: 0,
    returned: [] as string[][],
    errors: [] as unknown[],
  };
  const world = { nowMs: 1_000_000, depth: 0, isDown: false, canGiveBack: true };
  let untilAnswer = Promise.resolve();
  const producer: Producer = {
    async enqueue(jobs: readonly QueueJob[]) {
      seen.batches.push(jobs.map(({ deliveryId }) => deliveryId));
      expect(jobs.every(({ delayMs }) => delayMs === 0)).toBe(true);
      await untilAnswer;
      if (world.isDown) throw DOWN;
    },
    async depth() {
      seen.depthCalls++;
      await untilAnswer;
      if (world.isDown) throw DOWN;
      return world.depth;
    },
    async close() {},
  };
  const direct = createDirectEnqueue({
    producer,
    limit,
    giveBack: async (ids) => {
      seen.returned.push([...ids]);
      if (!world.canGiveBack) throw new Error("the database is down");
    },
    onError: (error) => seen.errors.push(error),
    now: () => world.nowMs,
  });
  /** Until `answer` is called the queue keeps silent. */
  const silence = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    untilAnswer = promise;
    return resolve;
  };
  return { direct, world, seen, silence };
}

describe("the short way into the queue", () => {
  it("hands over in one round trip what arrives in one turn", async () => {
    const { direct, seen } = start();
    for (const id of ["a", "b", "c"]) direct.enqueue(id);
    expect(seen.batches).toEqual([]);
    await nextTurn();
    direct.enqueue("d");
    await nextTurn();
    expect(seen.batches).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("splits what is too much for one round trip and loses nothing", async () => {
    const { direct, seen } = start();
    const ids = Array.from({ length: 1_201 }, (_, index) => `d${index}`);
    for (const id of ids) direct.enqueue(id);
    await direct.close();
    expect(seen.batches.map((batch) => batch.length)).toEqual([500, 500, 201]);
    expect(seen.batches.flat()).toEqual(ids);
  });

  it("is open at first, without waiting for an answer", () => {
    const { direct, silence } = start();
    silence();
    expect(direct.reserve()).toBe(QUEUE_LEASE_MS);
  });

  it("does not wait for a queue that keeps silent", async () => {
    const { direct, seen, silence } = start();
    const answer = silence();
    direct.enqueue("a");
    await nextTurn();
    direct.enqueue("b");
    await nextTurn();
    expect(seen.batches).toEqual([["a"], ["b"]]);
    answer();
    await direct.close();
  });
});

describe("the depth limit", () => {
  it("closes the short way when the queue holds that much", async () => {
    const { direct, world } = start({ limit: 100 });
    world.depth = 100;
    direct.reserve();
    await nextTurn();
    expect(direct.reserve()).toBe(0);
  });

  it("leaves it open below", async () => {
    const { direct, world } = start({ limit: 100 });
    world.depth = 99;
    direct.reserve();
    await nextTurn();
    expect(direct.reserve()).toBe(QUEUE_LEASE_MS);
  });

  it("counts what was handed over since the depth was told", async () => {
    const { direct, world } = start({ limit: 3 });
    world.depth = 1;
    direct.reserve();
    await nextTurn();
    const reserved = ["a", "b", "c"].map((id) => {
      const leaseMs = direct.reserve();
      if (leaseMs > 0) direct.enqueue(id);
      return leaseMs;
    });
    expect(reserved).toEqual([QUEUE_LEASE_MS, QUEUE_LEASE_MS, 0]);
    await direct.close();
  });

  it("asks for the depth at most every 250 ms and opens again when it has fallen", async () => {
    const { direct, world, seen } = start({ limit: 100 });
    world.depth = 1_000;
    direct.reserve();
    await nextTurn();
    world.depth = 0;
    for (let calls = 0; calls < 10; calls++) expect(direct.reserve()).toBe(0);
    expect(seen.depthCalls).toBe(1);
    world.nowMs += 251;
    direct.reserve();
    await nextTurn();
    expect(seen.depthCalls).toBe(2);
    expect(direct.reserve()).toBe(QUEUE_LEASE_MS);
  });
});

describe("a queue that is down", () => {
  it("gets no more for a second after it refused jobs, whose leases are given back", async () => {
    const { direct, world, seen } = start();
    world.isDown = true;
    direct.enqueue("a");
    direct.enqueue("b");
    await nextTurn();
    await nextTurn();
    expect(seen.returned).toEqual([["a", "b"]]);
    expect(seen.errors).toEqual([DOWN]);
    expect(direct.reserve()).toBe(0);
    world.nowMs += 999;
    expect(direct.reserve()).toBe(0);
    expect(seen.depthCalls).toBe(0);
    world.isDown = false;
    world.nowMs += 1;
    expect(direct.reserve()).toBe(QUEUE_LEASE_MS);
  });

  it("gets no more for a second after it did not tell its depth", async () => {
    const { direct, world, seen } = start();
    world.isDown = true;
    expect(direct.reserve()).toBe(QUEUE_LEASE_MS);
    await nextTurn();
    expect(direct.reserve()).toBe(0);
    expect(seen.depthCalls).toBe(1);
    expect(seen.errors).toEqual([DOWN]);
    expect(seen.returned).toEqual([]);
  });

  it("gives back each batch that failed and no other", async () => {
    const { direct, world, seen } = start();
    direct.enqueue("taken");
    await nextTurn();
    world.isDown = true;
    direct.enqueue("refused");
    await nextTurn();
    await direct.close();
    expect(seen.returned).toEqual([["refused"]]);
  });

  it("is reported and nothing more when the leases cannot be given back either", async () => {
    const { direct, world, seen } = start();
    world.isDown = true;
    world.canGiveBack = false;
    direct.enqueue("a");
    await direct.close();
    expect(seen.errors).toEqual([DOWN, new Error("the database is down")]);
  });
});

describe("close", () => {
  it("hands over what was just given and waits until it is queued", async () => {
    const { direct, seen, silence } = start();
    const answer = silence();
    direct.enqueue("a");
    let isClosed = false;
    const closed = direct.close().then(() => (isClosed = true));
    await nextTurn();
    expect(seen.batches).toEqual([["a"]]);
    expect(isClosed).toBe(false);
    answer();
    await closed;
    expect(seen.batches).toEqual([["a"]]);
  });

  it("waits until the leases of what failed are given back", async () => {
    const { direct, world, seen } = start();
    world.isDown = true;
    direct.enqueue("a");
    await direct.close();
    expect(seen.returned).toEqual([["a"]]);
  });

  it("has nothing to wait for when nothing was given", async () => {
    const { direct, seen } = start();
    await direct.close();
    expect(seen.batches).toEqual([]);
  });
});
