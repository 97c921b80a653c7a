import { describe, expect, it } from "vitest";
import { laneOf, QUICK_MS, sideSlots, slotLastsMs } from "./lanes.ts";

const WELL = { isQuick: true, isClosed: true, failuresInARow: 0, hasOwnRate: false };

describe("laneOf", () => {
  it.each([
    ["is well", WELL, "main"],
    ["failed twice", { ...WELL, failuresInARow: 2 }, "main"],
    ["failed three times", { ...WELL, failuresInARow: 3 }, "side"],
    ["is slow", { ...WELL, isQuick: false }, "side"],
    ["is held back", { ...WELL, isClosed: false }, "side"],
    ["has a rate of its own", { ...WELL, hasOwnRate: true }, "side"],
    ["was never tried", undefined, "side"],
  ] as const)("of a destination that %s", (_what, standing, lane) => {
    expect(laneOf(standing)).toBe(lane);
  });
});

describe("a slot of the main lane", () => {
  it("lasts a second, and less while others were handed over in the last five", () => {
    expect(slotLastsMs(undefined, [], 100_000)).toBe(QUICK_MS);
    expect(slotLastsMs(undefined, [95_000], 100_000)).toBe(QUICK_MS);
    expect(slotLastsMs(undefined, [95_001], 100_000)).toBe(500);
    expect(slotLastsMs(undefined, [96_000, 97_000, 98_000], 100_000)).toBe(250);
    expect(slotLastsMs(undefined, Array<number>(1_000).fill(99_000), 100_000)).toBe(50);
  });

  it("lasts five times what its destination typically takes, from 100 ms to a second", () => {
    const lasts = [2, 30, 150, 400].map((typicalMs) => slotLastsMs(typicalMs, [], 100_000));
    expect(lasts).toEqual([100, 150, 750, 1_000]);
    expect(slotLastsMs(150, [99_000], 100_000)).toBe(375);
  });
});

it("the side lane has 200 slots, or as many as the main lane", () => {
  expect([sideSlots(5), sideSlots(200), sideSlots(500)]).toEqual([200, 200, 500]);
});
