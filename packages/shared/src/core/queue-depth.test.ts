import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { directLimit, queueTarget, sweepRoom } from "./queue-depth.ts";

const rate = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0.001, max: 1_000_000, noNaN: true }),
  fc.integer({ min: 1, max: 1_000 }),
);

describe("queueTarget", () => {
  it.each([
    [0, 500],
    [0.1, 10],
    [1, 10],
    [10.5, 11],
    [50, 50],
    [1_000, 1_000],
  ])("at %d a second is %i", (ratePerSecond, target) => {
    expect(queueTarget(ratePerSecond)).toBe(target);
  });
});

describe("directLimit", () => {
  it("leaves room for new deliveries while a backlog keeps the queue at its target", () => {
    fc.assert(
      fc.property(rate, (ratePerSecond) => {
        expect(directLimit(ratePerSecond)).toBeGreaterThan(queueTarget(ratePerSecond));
      }),
    );
  });
});

describe("sweepRoom", () => {
  it.each([
    [0, 50, 50],
    [20, 50, 30],
    [45, 50, 10],
    [50, 50, 10],
    [100, 50, 10],
    [199, 50, 10],
    [200, 50, 0],
    [10_000, 50, 0],
  ])("at depth %i of %i is %i", (depth, target, room) => {
    expect(sweepRoom(depth, target)).toBe(room);
  });

  it("is a whole number that fits a LIMIT, and sweeps alone never fill past the hard bound", () => {
    fc.assert(
      fc.property(rate, fc.nat({ max: 10_000_000 }), (ratePerSecond, depth) => {
        const target = queueTarget(ratePerSecond);
        const room = sweepRoom(depth, target);
        expect(Number.isInteger(room) && room >= 0).toBe(true);
        expect(room === 0 || depth + room < 5 * target).toBe(true);
      }),
    );
  });

  it("always lets retries in while new deliveries alone keep the queue at the direct limit", () => {
    fc.assert(
      fc.property(rate, (ratePerSecond) => {
        expect(sweepRoom(directLimit(ratePerSecond), queueTarget(ratePerSecond))).toBeGreaterThan(
          0,
        );
      }),
    );
  });
});
