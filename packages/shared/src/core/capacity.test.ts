import { describe, expect, it } from "vitest";
import { capacityOf, normalTarget, slotsOf } from "./capacity.ts";

const CONFIG = { concurrency: 5, rateLimitPerSecond: 50 };
const row = (kind: "normal" | "trial" | "low" | "probe", leased: number, inFlight: number) => ({
  kind,
  leased,
  inFlight,
});

describe("the capacity", () => {
  it("is 0.3 s of work at the rate limit, at least some, and a bound of its own without one", () => {
    expect(normalTarget(50)).toBe(15);
    expect(normalTarget(1)).toBe(10);
    expect(normalTarget(1_000)).toBe(300);
    expect(normalTarget(0)).toBe(500);
  });

  it("is what nothing has been taken of, for all workers together", () => {
    expect(capacityOf(CONFIG, { rows: [], workers: 2 })).toEqual({
      normal: 15,
      low: 400,
      trial: 10,
      lowButNoTrial: 300,
    });
    // Before the first heartbeat is seen.
    expect(capacityOf(CONFIG, { rows: [], workers: 0 }).low).toBe(200);
  });

  it("is less what is leased, and what waits for its start; what is on the wire takes nothing", () => {
    const rows = [row("normal", 3, 4), row("low", 10, 15), row("probe", 0, 1), row("trial", 2, 3)];
    expect(capacityOf(CONFIG, { rows, workers: 2 })).toEqual({
      normal: 8,
      low: 369,
      trial: 8,
      lowButNoTrial: 269,
    });
    expect(capacityOf(CONFIG, { rows: [row("normal", 0, 200)], workers: 2 }).normal).toBe(5);
    const unlimited = { concurrency: 5, rateLimitPerSecond: 0 };
    expect(capacityOf(unlimited, { rows: [row("normal", 100, 200)], workers: 2 }).normal).toBe(400);
  });

  it("is never more than the slots that are left", () => {
    const { normal } = slotsOf(5);
    const unlimited = { concurrency: 5, rateLimitPerSecond: 0 };
    const rows = [row("normal", 100, normal - 110)];
    expect(capacityOf(unlimited, { rows, workers: 1 }).normal).toBe(10);
  });

  it("grows with the concurrency", () => {
    expect(slotsOf(5)).toEqual({ normal: 505, low: 200 });
    expect(slotsOf(300)).toEqual({ normal: 800, low: 300 });
  });
});
