import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MAX_REPLAY_RATE_PER_SECOND,
  MIN_REPLAY_RATE_PER_SECOND,
  mostInAStep,
  takeForStep,
  waitAfterStepMs,
} from "./replay-pace.ts";

const rate = fc.double({
  min: MIN_REPLAY_RATE_PER_SECOND,
  max: MAX_REPLAY_RATE_PER_SECOND,
  noNaN: true,
});

describe("the pace of a replay", () => {
  it("is its rate over any number of full steps", () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 1_000 }), (ratePerSecond, steps) => {
        const started = steps * mostInAStep(ratePerSecond);
        const tookMs = steps * waitAfterStepMs(mostInAStep(ratePerSecond), ratePerSecond);
        expect((started / tookMs) * 1_000).toBeCloseTo(ratePerSecond, 6);
      }),
    );
  });

  it.each([
    [0.1, 1, 10_000],
    [1, 1, 1_000],
    [50, 12, 240],
    [1_000, 250, 250],
    [10_000, 1_000, 100],
  ])("at %d a second is steps of %d, then %d ms", (ratePerSecond, most, waitMs) => {
    expect(mostInAStep(ratePerSecond)).toBe(most);
    expect(waitAfterStepMs(most, ratePerSecond)).toBe(waitMs);
  });

  it("does not wait after a step that started nothing", () => {
    expect(waitAfterStepMs(0, 50)).toBe(0);
  });
});

describe("a step", () => {
  const matches = (pattern: string) => Array.from(pattern, (one) => ({ canStart: one === "+" }));

  it.each([
    ["++++", 2, 2],
    ["-+-+-+", 2, 5],
    ["----", 2, 4],
    ["+", 2, 1],
    ["++", 2, 2],
    ["++--", 2, 4],
    ["", 2, 0],
  ])("of %s with %d to start looks at %d", (pattern, most, looked) => {
    expect(takeForStep(matches(pattern), most)).toHaveLength(looked);
  });
});
