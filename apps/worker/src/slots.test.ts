import { setImmediate as nextTurn } from "node:timers/promises";
import { MOST_WITHOUT_SLOT } from "@webhook-delivery/shared/core/lanes.ts";
import { describe, expect, it } from "vitest";
import { createMainSlots, SIDE_SLOT, type Slot } from "./slots.ts";

function start() {
  const errors: unknown[] = [];
  let nowMs = 1_000_000;
  const slots = createMainSlots({
    monotonicNow: () => nowMs,
    onError: (error) => errors.push(error),
  });
  return { slots, errors, pass: (ms: number) => (nowMs += ms) };
}

/** Work that goes on until it is told to end. */
function endless() {
  const ended = Promise.withResolvers<void>();
  let slot: Slot | undefined;
  const work = (given: Slot): Promise<void> => {
    slot = given;
    return ended.promise;
  };
  return { work, end: ended.resolve, fail: ended.reject, handOver: () => slot?.handOver() };
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  await nextTurn();
  return Promise.race([promise.then(() => true), nextTurn(false)]);
}

describe("a slot of the main lane", () => {
  it("is taken until the work is done", async () => {
    const { slots } = start();
    const { work, end } = endless();
    const run = slots.run(work);
    expect(await isSettled(run)).toBe(false);
    end();
    expect(await isSettled(run)).toBe(true);
  });

  it("is free when it was handed over, and the work goes on", async () => {
    const { slots } = start();
    const { work, end, handOver } = endless();
    const run = slots.run(work);
    await nextTurn();
    handOver();
    expect(await isSettled(run)).toBe(true);
    const closed = slots.close();
    expect(await isSettled(closed)).toBe(false);
    end();
    expect(await isSettled(closed)).toBe(true);
  });

  it("is kept when too many go on without one", async () => {
    const { slots } = start();
    const others = Array.from({ length: MOST_WITHOUT_SLOT }, endless);
    const runs = others.map(({ work }) => slots.run(work));
    for (const { handOver } of others) handOver();
    await Promise.all(runs);
    const { work, end, handOver } = endless();
    const run = slots.run(work);
    handOver();
    expect(await isSettled(run)).toBe(false);
    for (const other of [...others, { end }]) other.end();
    await Promise.all([run, slots.close()]);
  });

  it("fails with its work, and once handed over tells of the failure", async () => {
    const { slots, errors } = start();
    const [first, second] = [endless(), endless()];
    const run = slots.run(first.work);
    first.fail(new Error("first"));
    await expect(run).rejects.toThrow("first");
    expect(errors).toEqual([]);
    const other = slots.run(second.work);
    second.handOver();
    await other;
    second.fail(new Error("second"));
    await slots.close();
    expect(errors).toEqual([new Error("second")]);
  });

  it("lasts less while others were handed over just now", async () => {
    const { slots, pass } = start();
    const seen: number[] = [];
    const look = async (slot: Slot): Promise<void> => void seen.push(slot.lastsMs(undefined));
    await slots.run(look);
    const { work, end, handOver } = endless();
    const run = slots.run(work);
    handOver();
    await run;
    await slots.run(look);
    pass(5_000);
    await slots.run(look);
    expect(seen).toEqual([1_000, 500, 1_000]);
    end();
    await slots.close();
  });
});

it("a slot of the side lane is never handed over", () => {
  expect(SIDE_SLOT.lastsMs(1)).toBe(Infinity);
});
