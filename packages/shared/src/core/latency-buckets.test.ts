import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUCKET_STARTS_MS, EXACT_UP_TO_MS, LONGEST_MS, percentileMs } from "./latency-buckets.ts";

function bucketOf(durationMs: number): number {
  return BUCKET_STARTS_MS.findLastIndex((start) => start <= durationMs) + 1;
}

function histogramOf(durations: readonly number[]) {
  const counts = new Map<number, number>();
  for (const ms of durations) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
  return [...counts]
    .map(([bucket, count]) => ({ bucket, count }))
    .sort((a, b) => a.bucket - b.bucket);
}

describe("the histogram of durations", () => {
  it("has no percentile of nothing", () => {
    expect(percentileMs([], 0.5)).toBeNull();
  });

  it("gives short durations exactly and the longest as ten minutes", () => {
    for (let ms = 0; ms <= EXACT_UP_TO_MS; ms++) {
      expect(percentileMs(histogramOf([ms]), 0.5)).toBe(ms);
    }
    expect(percentileMs(histogramOf([LONGEST_MS * 3]), 0.5)).toBe(LONGEST_MS);
  });

  it("has buckets that ascend and are at most 5 % wide", () => {
    for (const [n, start] of BUCKET_STARTS_MS.entries()) {
      const next = BUCKET_STARTS_MS[n + 1] ?? Infinity;
      expect(next).toBeGreaterThan(start);
      if (next !== Infinity) expect(next - 1).toBeLessThanOrEqual(Math.max(start, start * 1.05));
    }
  });

  it("gives every percentile within 5 % of the exact one", () => {
    const durations = fc.array(fc.integer({ min: 0, max: LONGEST_MS }), { minLength: 1 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99, 1), (all, fraction) => {
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(fraction * all.length) - 1)] ?? NaN;
        const found = percentileMs(histogramOf(all), fraction) ?? NaN;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.05);
      }),
    );
  });
});
