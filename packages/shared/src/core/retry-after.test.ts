import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRetryAfterMs } from "./retry-after.ts";

const NOW = new Date("1994-11-06T08:49:00.000Z");

describe("parseRetryAfterMs", () => {
  it.each([
    ["0", 0],
    ["120", 120_000],
    [" 7\t", 7_000],
    ["007", 7_000],
    ["1.5", 1_500],
    ["9999999999", 9_999_999_999_000],
  ])("reads %j as seconds", (value, waitMs) => {
    expect(parseRetryAfterMs(value, NOW)).toBe(waitMs);
  });

  it("reads a date as the time from now until then", () => {
    expect(parseRetryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT", NOW)).toBe(37_000);
  });

  // RFC 9110 §5.6.7: a recipient must accept all three formats.
  it.each(["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
    "reads the obsolete date %j",
    (value) => {
      expect(parseRetryAfterMs(value, NOW)).toBe(37_000);
    },
  );

  // Go's time.RFC1123, Python's email.utils, Java's, Ruby's and JavaScript's own spellings.
  it.each([
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 UT",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 06 Nov 1994 08:49:37 -0000",
    "Sun, 06 Nov 1994 08:49:37 Z",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "sun, 06 nov 1994 08:49:37 gmt",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 09:49:37 +0100",
    "Sunday, 06-Nov-94 08:49:37 UTC",
    "Sun Nov 06 1994 08:49:37 GMT+0000 (Coordinated Universal Time)",
    "1994-11-06T08:49:37Z",
    "1994-11-06T08:49:37.000Z",
    "1994-11-06T08:49:37.123456+00:00",
    "1994-11-06T03:49:37-05:00",
    "1994-11-06T08:49:37+0000",
    "1994-11-06T08:49:37",
    "1994-11-06 08:49:37 UTC",
    "1994-11-06 08:49:37+00:00",
    "1994-11-06 08:49:37 +0000",
    "19941106T084937Z",
  ])("reads %j, as frameworks write it", (value) => {
    expect(parseRetryAfterMs(value, NOW)).toBe(37_000);
  });

  it.each([
    ["5, 10", 10_000],
    ["10,5", 10_000],
    ["30, 30", 30_000],
    ["Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["5, Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT, 50", 50_000],
    ["soon, 7", 7_000],
    ["7, ", 7_000],
  ])("takes the longer wait of %j, which was sent twice", (value, waitMs) => {
    expect(parseRetryAfterMs(value, NOW)).toBe(waitMs);
  });

  it("asks for no wait when the date has passed", () => {
    expect(parseRetryAfterMs("Sun, 06 Nov 1994 08:48:59 GMT", NOW)).toBe(0);
  });

  it.each([
    undefined,
    "",
    "  ",
    "-1",
    "+1",
    "1e9",
    "0x10",
    ".5",
    "5.",
    "5 seconds",
    "Infinity",
    "soon",
    "1994-13-06T08:49:37Z",
    "1994-11-31T08:49:37Z",
    "1994-11-06T08:49:37CET",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 06 Nov 1994 25:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
  ])("makes nothing of %j", (value) => {
    expect(parseRetryAfterMs(value, NOW)).toBeUndefined();
  });

  it("is a finite wait of zero or more, or nothing, whatever a receiver sends", () => {
    const anyDate = fc
      .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
      .map((date) => date.toUTCString());
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String), anyDate), (value) => {
        const waitMs = parseRetryAfterMs(value, NOW) ?? 0;
        expect(Number.isFinite(waitMs) && waitMs >= 0).toBe(true);
      }),
    );
  });

  it("gives back any date that is still to come, to the second", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (seconds) => {
        const at = new Date(NOW.getTime() + seconds * 1000);
        expect(parseRetryAfterMs(at.toUTCString(), NOW)).toBe(seconds * 1000);
      }),
    );
  });
});
