import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startLoop } from "./loop.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** `once` under the test's control: each run lasts until `end` is called. */
function controlledRuns() {
  let active = 0;
  let ends: (() => void)[] = [];
  const seen = { started: 0, atOnce: 0 };
  const once = async (): Promise<void> => {
    seen.started++;
    seen.atOnce = Math.max(seen.atOnce, ++active);
    await new Promise<void>((resolve) => ends.push(resolve));
    active--;
  };
  const end = async (): Promise<void> => {
    for (const resolve of ends) resolve();
    ends = [];
    await settle();
  };
  return { once, end, seen };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const refuse = (error: unknown) => {
  throw error;
};

describe("a loop", () => {
  it("runs at once and then everyMs after the run before ended", async () => {
    const { once, end, seen } = controlledRuns();
    const loop = startLoop({ everyMs: 100, once, onError: refuse });
    expect(seen.started).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(seen.started).toBe(1);
    await end();
    await vi.advanceTimersByTimeAsync(99);
    expect(seen.started).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.started).toBe(2);
    await end();
    await loop.stop();
  });

  it("waits as long as a run wants instead", async () => {
    let runs = 0;
    const loop = startLoop({
      everyMs: 1_000,
      once: async () => (++runs === 1 ? 10 : undefined),
      onError: refuse,
    });
    await vi.advanceTimersByTimeAsync(10);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(999);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(3);
    await loop.stop();
  });

  it("ends its wait when nudged", async () => {
    let runs = 0;
    const loop = startLoop({ everyMs: 1_000_000, once: async () => void runs++, onError: refuse });
    await settle();
    loop.nudge();
    await settle();
    expect(runs).toBe(2);
    await settle();
    expect(runs).toBe(2);
    await loop.stop();
  });

  it("runs once more right after a run in which it was nudged, however often", async () => {
    const { once, end, seen } = controlledRuns();
    const loop = startLoop({ everyMs: 1_000_000, once, onError: refuse });
    for (let nudges = 0; nudges < 5; nudges++) loop.nudge();
    expect(seen.started).toBe(1);
    await end();
    expect(seen.started).toBe(2);
    await end();
    expect(seen.started).toBe(2);
    await loop.stop();
  });

  it("never runs twice at a time", async () => {
    const { once, end, seen } = controlledRuns();
    const loop = startLoop({ everyMs: 1, once, onError: refuse });
    for (let round = 0; round < 20; round++) {
      loop.nudge();
      await vi.advanceTimersByTimeAsync(5);
      await end();
      loop.nudge();
    }
    expect(seen.started).toBeGreaterThan(10);
    expect(seen.atOnce).toBe(1);
    const stopped = loop.stop();
    await end();
    await stopped;
  });

  it("reports a run that throws and runs again as usual", async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const loop = startLoop({
      everyMs: 100,
      once: async () => {
        if (++runs <= 2) throw new Error(`run ${runs}`);
      },
      onError: (error) => void errors.push(error),
    });
    await vi.advanceTimersByTimeAsync(99);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(101);
    expect(runs).toBe(3);
    expect(errors).toEqual([new Error("run 1"), new Error("run 2")]);
    await loop.stop();
  });

  it("waits everyMs after an error whatever onError returns", async () => {
    const errors: unknown[] = [];
    const loop = startLoop({
      everyMs: 100,
      once: () => Promise.reject(new Error("refused")),
      onError: (error) => errors.push(error),
    });
    await vi.advanceTimersByTimeAsync(99);
    expect(errors).toHaveLength(1);
    await loop.stop();
  });

  it("stops at once while it waits, and leaves no timer behind", async () => {
    let runs = 0;
    const loop = startLoop({ everyMs: 1_000_000, once: async () => void runs++, onError: refuse });
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    await loop.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(runs).toBe(1);
  });

  it("lets the run that is going on end before it has stopped, and starts no other", async () => {
    const { once, end, seen } = controlledRuns();
    const loop = startLoop({ everyMs: 1, once, onError: refuse });
    let isStopped = false;
    const stopped = loop.stop().then(() => (isStopped = true));
    loop.nudge();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isStopped).toBe(false);
    await end();
    await stopped;
    loop.nudge();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen.started).toBe(1);
  });

  it("rests after each run, also when it was nudged, unless it is stopped", async () => {
    let runs = 0;
    const loop = startLoop({
      everyMs: 1_000,
      restMs: () => 50,
      once: async () => void runs++,
      onError: refuse,
    });
    await settle();
    loop.nudge();
    await vi.advanceTimersByTimeAsync(49);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(2);
    // The rest is part of the wait.
    await vi.advanceTimersByTimeAsync(999);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(3);
    await loop.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("may be stopped twice", async () => {
    const loop = startLoop({ everyMs: 1, once: async () => {}, onError: refuse });
    await Promise.all([loop.stop(), loop.stop()]);
    await loop.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
