import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DELIVERY_STATUSES } from "@webhook-delivery/shared/core/delivery.ts";
import { createReport } from "./report.ts";

describe("a report", () => {
  it("tells attempts per second, the success rate, retries per delivery that ended, and failures", () => {
    const report = createReport(0);
    for (let count = 0; count < 3; count++) report.count({ isRetry: false, status: "success" });
    report.count({ isRetry: false, status: "pending" });
    report.count({ isRetry: true, status: "pending" });
    report.count({ isRetry: true, status: "failed" });
    expect(report.take(60_000)).toEqual({
      jobsPerSecond: 0.1,
      successRate: 0.75,
      averageRetries: 0.5,
      failed: 1,
    });
  });

  it("knows no rates when no delivery ended", () => {
    const report = createReport(0);
    report.count({ isRetry: false, status: "pending" });
    expect(report.take(1_000)).toEqual({
      jobsPerSecond: 1,
      successRate: null,
      averageRetries: null,
      failed: 0,
    });
  });

  it("starts anew with every line", () => {
    const report = createReport(5_000);
    report.count({ isRetry: true, status: "failed" });
    report.take(6_000);
    report.count({ isRetry: false, status: "success" });
    expect(report.take(8_000)).toEqual({
      jobsPerSecond: 0.5,
      successRate: 1,
      averageRetries: 0,
      failed: 0,
    });
  });

  it("holds finite numbers only, even when no time has passed", () => {
    const attempt = fc.record({
      isRetry: fc.boolean(),
      status: fc.constantFrom(...DELIVERY_STATUSES),
    });
    fc.assert(
      fc.property(fc.array(attempt), fc.nat(), (attempts, elapsedMs) => {
        const report = createReport(1_000);
        for (const each of attempts) report.count(each);
        const line = report.take(1_000 + elapsedMs);
        const numbers = Object.values(line).filter((value) => value !== null);
        expect(numbers.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
        expect(line.successRate ?? 0).toBeLessThanOrEqual(1);
      }),
    );
  });
});
