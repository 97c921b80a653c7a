import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rateWindow } from "./rate-window.ts";

describe("rateWindow", () => {
  it.each([
    [50, { starts: 50, windowMs: 1_035, reserve: 10 }],
    [1, { starts: 1, windowMs: 1_035, reserve: 0 }],
    [0.5, { starts: 1, windowMs: 2_070, reserve: 0 }],
    [1_000, { starts: 100, windowMs: 103.5, reserve: 20 }],
  ])("of %d a second", (ratePerSecond, expected) => {
    expect(rateWindow(ratePerSecond)).toMatchObject(expected);
  });

  it("lets no second hold more than the rate, however its starts come in their windows", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 2_800, noNaN: true }), (ratePerSecond) => {
        const { starts, windowMs } = rateWindow(ratePerSecond);
        const windowsBegunInASecond = Math.floor(1_000 / windowMs) + 1;
        expect(starts * windowsBegunInASecond).toBeLessThanOrEqual(Math.max(1, ratePerSecond));
      }),
    );
  });

  it("loses no more than the margin on average", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100_000, noNaN: true }), (ratePerSecond) => {
        const { starts, windowMs } = rateWindow(ratePerSecond);
        const perSecond = (starts * 1_000) / windowMs;
        expect(perSecond).toBeLessThanOrEqual(ratePerSecond);
        expect(perSecond).toBeGreaterThan(Math.min(ratePerSecond * 0.48, ratePerSecond - 1));
      }),
    );
  });
});
