import { describe, expect, it } from "vitest";
import type { AttemptResult } from "./attempt-result.ts";
import { signOf } from "./sign.ts";

const NOW = new Date("2026-03-10T12:00:00.000Z");
function answered(status: number, headers: Record<string, string> = {}): AttemptResult {
  return { kind: "response", status, headers, body: "", durationMs: 5 };
}

function failed(kind: "timeout" | "network" | "blocked"): AttemptResult {
  const made = { message: "", durationMs: 5 };
  if (kind === "blocked") return { kind, verdict: "loopback", ...made };
  return kind === "network" ? { kind, code: "ECONNREFUSED", ...made } : { kind, ...made };
}

describe("what an attempt says of its destination", () => {
  it.each([200, 204, 301, 400, 404, 410])("a %i: it is there", (status) => {
    expect(signOf(answered(status), NOW)).toEqual({ kind: "well" });
  });

  it.each([408, 425, 500, 502, 503])("a %i: it is ill", (status) => {
    const ill = { kind: "ill", reason: `http_${status}`, isThrottled: false, pauseMs: 0 };
    expect(signOf(answered(status), NOW)).toEqual(ill);
  });

  it.each([
    [429, {}, true, 0],
    [429, { "retry-after": "8" }, true, 8_000],
    [503, { "retry-after": "8" }, true, 8_000],
    [503, { "retry-after": "86400" }, true, 3_600_000],
    [500, { "retry-after": "8" }, false, 0],
  ])("a %i with %j: slower is %s, a pause of %i ms", (status, headers, isThrottled, pauseMs) => {
    expect(signOf(answered(status, headers as Record<string, string>), NOW)).toMatchObject({
      isThrottled,
      pauseMs,
    });
  });

  it.each(["timeout", "network"] as const)("a %s: it is ill", (kind) => {
    expect(signOf(failed(kind), NOW)).toMatchObject({ kind: "ill", reason: kind, pauseMs: 0 });
  });

  const reading = { isWorthRetrying: true, waitMs: 60_000, concerns: "destination" } as const;
  it.each([
    ["that asks all to wait", 400, reading, { kind: "ill", isThrottled: true, pauseMs: 60_000 }],
    ["about one delivery", 429, { ...reading, concerns: "delivery" }, { kind: "well" }],
    ["that is final", 429, { ...reading, isWorthRetrying: false }, { kind: "well" }],
    ["of a host that is ill", 503, { ...reading, concerns: "delivery" }, { kind: "ill" }],
  ] as const)("an answer %s, as its vendor means it", (_, status, read, sign) => {
    expect(signOf({ ...answered(status), reading: read } as AttemptResult, NOW)).toMatchObject(
      sign,
    );
  });

  it("a refused address: nothing", () => {
    expect(signOf(failed("blocked"), NOW)).toBeUndefined();
  });
});
