import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { directRoom, queueTarget } from "./queue-depth.ts";

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
    [10.5, 10],
    [50, 15],
    [1_000, 300],
  ])("at %d a second is %i", (ratePerSecond, target) => {
    expect(queueTarget(ratePerSecond)).toBe(target);
  });
});

describe("directRoom", () => {
  it("leaves the sweep room while new deliveries come in a flood, and few room above the sweep's", () => {
    fc.assert(
      fc.property(rate, (ratePerSecond) => {
        const { shared, most } = directRoom(ratePerSecond);
        const target = queueTarget(ratePerSecond);
        expect(shared).toBeLessThan(target);
        expect(most).toBeGreaterThan(target);
      }),
    );
  });
});
