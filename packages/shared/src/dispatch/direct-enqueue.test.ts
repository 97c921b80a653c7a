import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Producer, QueueJob } from "../queue/producer.ts";
import type { Lane } from "../core/lanes.ts";
import { DIRECT_WINDOW_MS, type DirectRoom } from "../core/queue-depth.ts";
import { createDirectEnqueue, QUEUE_LEASE_MS, type Reservation } from "./direct-enqueue.ts";

const RESERVED = { lane: "main", forMs: QUEUE_LEASE_MS };
const DOWN = new Error("the queue is down");

interface Given extends Partial<DirectRoom> {
  readonly lane?: Lane | null;
}

/** A queue in memory that can be taken down, and everything that is told about it. */
function start({ shared = 100, most = 100, few = 0, lane = "main" }: Given = {}) {
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
    producers: { main: producer, side: producer },
    mainRoom: { shared, most, few },
    laneOf: async () => lane ?? undefined,
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
  const reserve = (destination = "example.com"): Promise<Reservation> =>
    direct.reserve(destination);
  const enqueue = (id: string): void => direct.enqueue(id, "main");
  return { direct, reserve, enqueue, world, seen, silence };
}

describe("the short way into the queue", () => {
  it("hands over in one round trip what arrives in one turn", async () => {
    const { enqueue, seen } = start();
    for (const id of ["a", "b", "c"]) enqueue(id);
    expect(seen.batches).toEqual([]);
    await nextTurn();
    enqueue("d");
    await nextTurn();
    expect(seen.batches).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("splits what is too much for one round trip and loses nothing", async () => {
    const { direct, enqueue, seen } = start();
    const ids = Array.from({ length: 1_201 }, (_, index) => `d${index}`);
    for (const id of ids) enqueue(id);
    await direct.close();
    expect(seen.batches.map((batch) => batch.length)).toEqual([500, 500, 201]);
    expect(seen.batches.flat()).toEqual(ids);
  });

  it("is open at first, without waiting for an answer", async () => {
    const { reserve, silence } = start();
    silence();
    expect(await reserve()).toEqual(RESERVED);
  });

  it("does not wait for a queue that keeps silent", async () => {
    const { direct, enqueue, seen, silence } = start();
    const answer = silence();
    enqueue("a");
    await nextTurn();
    enqueue("b");
    await nextTurn();
    expect(seen.batches).toEqual([["a"], ["b"]]);
    answer();
    await direct.close();
  });
});

describe("the depth limit", () => {
  it("closes the short way when the queue holds that much", async () => {
    const { reserve, world } = start({ shared: 100 });
    world.depth = 100;
    await reserve();
    await nextTurn();
    expect(await reserve()).toBe(null);
  });

  it("leaves it open below", async () => {
    const { reserve, world } = start({ shared: 100 });
    world.depth = 99;
    await reserve();
    await nextTurn();
    expect(await reserve()).toEqual(RESERVED);
  });

  it("counts what was reserved since the depth was told", async () => {
    const { direct, reserve, world } = start({ shared: 3 });
    world.depth = 1;
    await reserve();
    await nextTurn();
    const reserved = await Promise.all(["a", "b", "c"].map(() => reserve()));
    expect(reserved).toEqual([RESERVED, RESERVED, null]);
    await direct.close();
  });

  it("asks for the depth at most every 250 ms and opens again when it has fallen", async () => {
    const { reserve, world, seen } = start({ shared: 100 });
    world.depth = 1_000;
    await reserve();
    await nextTurn();
    world.depth = 0;
    for (let calls = 0; calls < 10; calls++) expect(await reserve()).toBe(null);
    expect(seen.depthCalls).toBe(1);
    world.nowMs += 251;
    await reserve();
    await nextTurn();
    expect(seen.depthCalls).toBe(2);
    expect(await reserve()).toEqual(RESERVED);
  });
});

describe("room for those who had few lately", () => {
  it("goes on where a flood finds the short way closed", async () => {
    const { direct, world } = start({ shared: 10, most: 15, few: 2 });
    world.depth = 10;
    await direct.reserve("flood.example");
    await nextTurn();
    expect(await direct.reserve("flood.example")).toEqual(RESERVED);
    expect(await direct.reserve("flood.example")).toBe(null);
    expect(await direct.reserve("single.example")).toEqual(RESERVED);
    world.nowMs += DIRECT_WINDOW_MS;
    expect(await direct.reserve("flood.example")).toEqual(RESERVED);
  });

  it("ends as well", async () => {
    const { direct, world } = start({ shared: 10, most: 15, few: 2 });
    world.depth = 15;
    await direct.reserve("one.example");
    await nextTurn();
    expect(await direct.reserve("other.example")).toBe(null);
  });
});

describe("the side lane", () => {
  it("gives a destination two first looks at once, and the rest to the sweep", async () => {
    const { reserve } = start({ lane: "side" });
    const side = { lane: "side", forMs: QUEUE_LEASE_MS };
    expect([await reserve(), await reserve(), await reserve()]).toEqual([side, side, null]);
    expect(await reserve("other.example")).toEqual(side);
  });

  it("is closed to what the sweep has to judge, and open to tests", async () => {
    const { direct, reserve } = start({ lane: null });
    expect(await reserve()).toBe(null);
    expect(direct.reserveForTest()).toEqual({ lane: "side", forMs: QUEUE_LEASE_MS });
  });
});

describe("a queue that is down", () => {
  it("gets no more for a second after it refused jobs, whose leases are given back", async () => {
    const { reserve, enqueue, world, seen } = start();
    world.isDown = true;
    enqueue("a");
    enqueue("b");
    await nextTurn();
    await nextTurn();
    expect(seen.returned).toEqual([["a", "b"]]);
    expect(seen.errors).toEqual([DOWN]);
    expect(await reserve()).toBe(null);
    world.nowMs += 999;
    expect(await reserve()).toBe(null);
    expect(seen.depthCalls).toBe(0);
    world.isDown = false;
    world.nowMs += 1;
    expect(await reserve()).toEqual(RESERVED);
  });

  it("gets no more for a second after it did not tell its depth", async () => {
    const { reserve, world, seen } = start();
    world.isDown = true;
    expect(await reserve()).toEqual(RESERVED);
    await nextTurn();
    expect(await reserve()).toBe(null);
    expect(seen.depthCalls).toBe(1);
    expect(seen.errors).toEqual([DOWN]);
    expect(seen.returned).toEqual([]);
  });

  it("gives back each batch that failed and no other", async () => {
    const { direct, enqueue, world, seen } = start();
    enqueue("taken");
    await nextTurn();
    world.isDown = true;
    enqueue("refused");
    await nextTurn();
    await direct.close();
    expect(seen.returned).toEqual([["refused"]]);
  });

  it("is reported and nothing more when the leases cannot be given back either", async () => {
    const { direct, enqueue, world, seen } = start();
    world.isDown = true;
    world.canGiveBack = false;
    enqueue("a");
    await direct.close();
    expect(seen.errors).toEqual([DOWN, new Error("the database is down")]);
  });
});

describe("close", () => {
  it("hands over what was just given and waits until it is queued", async () => {
    const { direct, enqueue, seen, silence } = start();
    const answer = silence();
    enqueue("a");
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
    const { direct, enqueue, world, seen } = start();
    world.isDown = true;
    enqueue("a");
    await direct.close();
    expect(seen.returned).toEqual([["a"]]);
  });

  it("has nothing to wait for when nothing was given", async () => {
    const { direct, seen } = start();
    await direct.close();
    expect(seen.batches).toEqual([]);
  });
});
