import { describe, expect, test } from "vitest";
import {
  backoffMs,
  parseRetryAfterMs,
  waitBeforeRetry,
  type Failure,
  type Tries,
} from "./retry.ts";

const NO_ANSWER: Failure = { status: null, wasNeverSent: false, retryAfterMs: null };
const FIRST: Tries = { made: 1, maxRetries: 3, isRepeatable: true };
const ONCE: Tries = { ...FIRST, isRepeatable: false };

describe("what may be repeated", () => {
  test.each([null, 429, 502, 503, 504])("is tried again after %j", (status) => {
    expect(waitBeforeRetry({ ...NO_ANSWER, status }, FIRST, 0.5)).toBe(125);
  });

  test.each([200, 302, 400, 401, 404, 409, 413, 500, 501])("is not after %j", (status) => {
    expect(waitBeforeRetry({ ...NO_ANSWER, status }, FIRST, 0.5)).toBeUndefined();
  });

  test("is tried maxRetries times more", () => {
    expect(waitBeforeRetry(NO_ANSWER, { ...FIRST, made: 3 }, 0.5)).toBe(500);
    expect(waitBeforeRetry(NO_ANSWER, { ...FIRST, made: 4 }, 0.5)).toBeUndefined();
    expect(waitBeforeRetry(NO_ANSWER, { ...FIRST, maxRetries: 0 }, 0.5)).toBeUndefined();
  });
});

describe("what must not be done twice", () => {
  test.each([null, 502, 503, 504])("is not tried again after %j", (status) => {
    expect(waitBeforeRetry({ ...NO_ANSWER, status }, ONCE, 0.5)).toBeUndefined();
  });

  test("is tried again when it surely was not done", () => {
    expect(waitBeforeRetry({ ...NO_ANSWER, status: 429 }, ONCE, 0.5)).toBe(125);
    expect(waitBeforeRetry({ ...NO_ANSWER, wasNeverSent: true }, ONCE, 0.5)).toBe(125);
  });
});

describe("the wait", () => {
  test("doubles, is spread over its whole length and ends at 10 s", () => {
    expect([1, 2, 3, 6, 7, 40].map((made) => backoffMs(made, 1))).toEqual([
      250, 500, 1_000, 8_000, 10_000, 10_000,
    ]);
    expect([0, 0.25].map((random) => backoffMs(2, random))).toEqual([0, 125]);
  });

  test("is never shorter than what the service asks for, and a wish beyond 30 s ends it", () => {
    const asked = { ...NO_ANSWER, status: 503, retryAfterMs: 2_000 };
    expect(waitBeforeRetry(asked, FIRST, 0)).toBe(2_000);
    expect(waitBeforeRetry(asked, FIRST, 0.5)).toBe(2_125);
    expect(waitBeforeRetry({ ...asked, retryAfterMs: 30_000 }, FIRST, 0)).toBe(30_000);
    expect(waitBeforeRetry({ ...asked, retryAfterMs: 30_001 }, FIRST, 0)).toBeUndefined();
  });
});

describe("Retry-After", () => {
  const nowMs = Date.parse("2026-11-21T10:00:00Z");

  test.each([
    ["2", 2_000],
    [" 0.5 ", 500],
    ["Sat, 21 Nov 2026 10:00:03 GMT", 3_000],
    ["Sat, 21 Nov 2026 09:00:00 GMT", 0],
    ["", null],
    ["soon", null],
    ["-1", null],
    ["soon GMT", null],
    [null, null],
  ])("%j means %j ms", (value, expected) => {
    expect(parseRetryAfterMs(value, nowMs)).toBe(expected);
  });
});
