import { describe, expect, it } from "vitest";
import { createBatcher } from "./batcher.ts";

/** A `run` whose batches end when the test says so. */
function heldRun() {
  const batches: { items: readonly number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const waiters: (() => void)[] = [];
  const run = (items: readonly number[]): Promise<number[]> =>
    new Promise((resolve, reject) => {
      batches.push({ items, end: () => resolve(items.map((item) => item * 10)), fail: reject });
      for (const wake of waiters.splice(0)) wake();
    });
  const begun = async (count: number): Promise<void> => {
    while (batches.length < count) await new Promise<void>((wake) => waiters.push(wake));
  };
  return { run, batches, begun };
}

const concernsAll = (error: unknown): boolean => (error as Error).message === "everybody";

describe("a batcher", () => {
  it("gives calls of the same turn one run, and each its own result", async () => {
    const { run, batches, begun } = heldRun();
    const call = createBatcher({ run, concernsAll, maxItems: 10, maxBatches: 1 });
    const results = Promise.all([call(1), call(2), call(3)]);
    await begun(1);
    batches[0]?.end();
    expect(await results).toEqual([10, 20, 30]);
    expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  });

  it("gathers what comes while it is busy, up to its size", async () => {
    const { run, batches, begun } = heldRun();
    const call = createBatcher({ run, concernsAll, maxItems: 2, maxBatches: 1 });
    const first = call(1);
    await begun(1);
    const later = Promise.all([call(2), call(3), call(4)]);
    batches[0]?.end();
    await first;
    await begun(2);
    batches[1]?.end();
    await begun(3);
    batches[2]?.end();
    expect(await later).toEqual([20, 30, 40]);
    expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3], [4]]);
  });

  it("has no more batches under way than it may", async () => {
    const { run, batches, begun } = heldRun();
    const call = createBatcher({ run, concernsAll, maxItems: 1, maxBatches: 2 });
    const all = Promise.all([call(1), call(2), call(3)]);
    await begun(2);
    expect(batches).toHaveLength(2);
    batches[1]?.end();
    await begun(3);
    for (const batch of batches) batch.end();
    expect(await all).toEqual([10, 20, 30]);
  });

  it("fails every call when the error concerns them all, and runs none again", async () => {
    const { run, batches, begun } = heldRun();
    const call = createBatcher({ run, concernsAll, maxItems: 10, maxBatches: 1 });
    const results = Promise.allSettled([call(1), call(2)]);
    await begun(1);
    batches[0]?.fail(new Error("everybody"));
    expect((await results).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(batches).toHaveLength(1);
  });

  it("runs each alone when one may have spoiled it for the others", async () => {
    const spoiled = 2;
    const run = async (items: readonly number[]): Promise<number[]> => {
      if (items.includes(spoiled)) throw new Error("spoiled");
      return items.map((item) => item * 10);
    };
    const call = createBatcher({ run, concernsAll, maxItems: 10, maxBatches: 1 });
    const results = await Promise.allSettled([call(1), call(spoiled), call(3)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("goes on after a batch that failed", async () => {
    const { run, batches, begun } = heldRun();
    const call = createBatcher({ run, concernsAll, maxItems: 10, maxBatches: 1 });
    const failed = call(1).catch(() => "failed");
    await begun(1);
    batches[0]?.fail(new Error("everybody"));
    expect(await failed).toBe("failed");
    const next = call(2);
    await begun(2);
    batches[1]?.end();
    expect(await next).toBe(20);
  });
});
