import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readStoredTime, readTime, toStoredTime } from "./time.ts";

describe("a time that comes in", () => {
  it.each([
    // The zero time of Go and .NET, delivered as 2001.
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["0001-01-01T00:00:00-01:00", "0001-01-01T01:00:00.000Z"],
    ["0099-12-31T23:59:59.999Z", "0099-12-31T23:59:59.999Z"],
    ["1969-07-20T20:17:40Z", "1969-07-20T20:17:40.000Z"],
    ["2026-11-28T14:00:00+05:30", "2026-11-28T08:30:00.000Z"],
    ["2024-02-29t23:59:59.9999999z", "2024-02-29T23:59:59.999Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
    ["2026-11-28 14:00:00.5-00:30", "2026-11-28T14:30:00.500Z"],
  ])("%s is %s", (text, iso) => {
    expect(readTime(text)?.toISOString()).toBe(iso);
  });

  it.each([
    "2016-12-31T23:59:60Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "2026-01-01T00:00:00+24:00",
    // Stored by PostgreSQL as 1 BC, which could not be read any more.
    "0001-01-01T00:00:00+01:00",
    "0000-12-31T23:59:59Z",
    "9999-12-31T23:59:59-00:01",
    "+010000-01-01T00:00:00Z",
    "-000001-01-01T00:00:00Z",
    "infinity",
    "now",
    "",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
  ])("%j cannot be held", (text) => {
    expect(readTime(text)).toBeUndefined();
  });
});

describe("a time that leaves the database", () => {
  it.each([
    ["0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000Z"],
    ["0001-12-31 23:00:00+00 BC", "0000-12-31T23:00:00.000Z"],
    ["0044-03-15 12:00:00+00 BC", "-000043-03-15T12:00:00.000Z"],
    ["4713-11-24 00:00:00+00 BC", "-004712-11-24T00:00:00.000Z"],
    ["0099-06-01 00:00:00.5+00", "0099-06-01T00:00:00.500Z"],
    // Of Europe/Berlin, before there were zones.
    ["0001-01-01 00:53:28+00:53:28", "0001-01-01T00:00:00.000Z"],
    ["1800-01-01 00:00:00-05:50:36", "1800-01-01T05:50:36.000Z"],
    ["2026-11-28 19:30:00.123456+05:30", "2026-11-28T14:00:00.123Z"],
    ["2026-11-28 14:00:00", "2026-11-28T14:00:00.000Z"],
    ["2026-11-28", "2026-11-28T00:00:00.000Z"],
    ["12345-01-01 00:00:00+00", "+012345-01-01T00:00:00.000Z"],
    ["infinity", "+275760-09-13T00:00:00.000Z"],
    ["-infinity", "-271821-04-20T00:00:00.000Z"],
    ["294276-12-31 23:59:59.999999+00", "+275760-09-13T00:00:00.000Z"],
  ])("%s is %s", (text, iso) => {
    expect(readStoredTime(text).toISOString()).toBe(iso);
  });

  it("is not guessed at in another style", () => {
    expect(() => readStoredTime("28.11.2026 14:00:00 UTC")).toThrow("ISO style");
  });
});

it("goes into the database as it comes out of it", () => {
  const times = fc.date({ noInvalidDate: true }).map((time) => {
    time.setUTCMilliseconds(0);
    return time;
  });
  fc.assert(
    fc.property(times, (time) => {
      const stored = toStoredTime(time).replace("T", " ").replace(".000Z", "+00");
      expect(readStoredTime(stored)).toEqual(time);
    }),
  );
});
