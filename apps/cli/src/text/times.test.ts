import { describe, expect, test } from "vitest";
import { age, clock, parseMoment, parseSpanMs, relative, span, took } from "./times.ts";

const NOW = new Date("2026-11-21T10:00:00.000Z");

test.each([
  ["500ms", 500],
  ["90s", 90_000],
  ["2h", 7_200_000],
  ["1.5d", 129_600_000],
  ["1w", 604_800_000],
])("reads the span %s", (text, ms) => {
  expect(parseSpanMs(text)).toBe(ms);
});

test.each(["", "2", "h", "2 h", "-2h", "2y", "2h30m", "1e3s"])("takes '%s' for no span", (text) => {
  expect(parseSpanMs(text)).toBeUndefined();
});

describe("a moment", () => {
  test.each([
    ["2h", "2026-11-21T08:00:00.000Z"],
    ["2026-11-20", "2026-11-20T00:00:00.000Z"],
    ["2026-11-20T12:00:00Z", "2026-11-20T12:00:00.000Z"],
    ["2026-11-20T12:00+02:00", "2026-11-20T10:00:00.000Z"],
  ])("may be written %s", (text, iso) => {
    expect(parseMoment(text, NOW)?.toISOString()).toBe(iso);
  });

  test.each(["yesterday", "2026", "2026-13-01", "21.11.2026", "1", "999999999999d"])(
    "is not '%s'",
    (text) => {
      expect(parseMoment(text, NOW)).toBeUndefined();
    },
  );
});

test("tells a span by one unit", () => {
  const told = [0, 999, 119_000, 121_000, 7_199_000, 7_200_000, 200_000_000, -5].map(span);
  expect(told).toEqual(["0s", "0s", "119s", "2m", "119m", "2h", "2d", "0s"]);
});

test("tells how long ago, how long still, what the clock said and how long it took", () => {
  expect(age("2026-11-21T09:55:00.000Z", NOW)).toBe("5m");
  expect(relative("2026-11-21T09:55:00.000Z", NOW)).toBe("5m ago");
  expect(relative("2026-11-21T10:00:25.000Z", NOW)).toBe("in 25s");
  expect(clock(new Date(2026, 10, 21, 9, 5, 7))).toBe("09:05:07");
  expect([took(31.4), took(12_340)]).toEqual(["31 ms", "12.3 s"]);
});
