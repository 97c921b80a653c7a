import { describe, expect, it } from "vitest";
import { waitAfterInternalFaultMs } from "./fault.ts";

describe("waitAfterInternalFaultMs", () => {
  it("doubles from 5 s to 5 min and stays there", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(waitAfterInternalFaultMs);
    expect(waits).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000,
    ]);
  });

  it("stays at 5 min however many faults there were", () => {
    expect(waitAfterInternalFaultMs(100_000)).toBe(300_000);
  });
});
