import { describe, expect, it } from "vitest";
import { DISABLE_AFTER_MS, endpointStatus, judgeHealth } from "./endpoint-health.ts";

const NOW = new Date("2026-03-10T12:00:00.000Z");
const WELL = { failureCount: 0, failingSince: null, awaitsRecovery: false };
const failed = (status: number) => ({ kind: "response", status }) as const;
const failing = (failureCount: number, forMs: number) => ({
  failureCount,
  failingSince: new Date(NOW.getTime() - forMs),
  awaitsRecovery: false,
});

describe("an endpoint", () => {
  it("that answers 410 is disabled at once", () => {
    expect(judgeHealth(failed(410), failing(1, 0), NOW)).toEqual({
      change: "disable",
      reason: "gone",
    });
  });

  it.each([
    [19, DISABLE_AFTER_MS, "none"],
    [20, DISABLE_AFTER_MS - 1, "none"],
    [20, DISABLE_AFTER_MS, "disable"],
    [5_000, 0, "none"],
    [1, 10 * DISABLE_AFTER_MS, "none"],
  ])("with %i failures in a row over %i ms: %s", (count, forMs, change) => {
    for (const result of [failed(500), { kind: "timeout" }, { kind: "network" }] as const) {
      expect(judgeHealth(result, failing(count, forMs), NOW).change).toBe(change);
    }
  });

  it("that works is left alone, or has recovered if that was awaited", () => {
    expect(judgeHealth(failed(200), WELL, NOW)).toEqual({ change: "none" });
    const awaited = { ...WELL, awaitsRecovery: true };
    expect(judgeHealth(failed(200), awaited, NOW)).toEqual({ change: "recovered" });
  });

  it("that is awaited and fails again has not recovered", () => {
    const awaited = { ...failing(3, 1_000), awaitsRecovery: true };
    expect(judgeHealth(failed(500), awaited, NOW)).toEqual({ change: "none" });
  });

  it("is disabled, failing or active", () => {
    expect(endpointStatus({ enabled: false, failureCount: 0 })).toBe("disabled");
    expect(endpointStatus({ enabled: true, failureCount: 1 })).toBe("failing");
    expect(endpointStatus({ enabled: true, failureCount: 0 })).toBe("active");
  });
});
