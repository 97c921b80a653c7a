import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttemptResult } from "./attempt-result.ts";
import { type AttemptPosition, decideNext, RETRY_AFTER_LIMIT_MS } from "./retry.ts";

const ENDED_AT = new Date("2026-03-01T12:00:00.000Z");
const SCHEDULE_MS = [5_000, 25_000, 125_000];
const FIRST_OF_FOUR: AttemptPosition = {
  attemptInRound: 1,
  attemptsInRound: 4,
  scheduleMs: SCHEDULE_MS,
  endedAt: ENDED_AT,
};

function answer(status: number, headers: Record<string, string> = {}, body = "") {
  return { kind: "response" as const, status, headers, body, durationMs: 12 };
}

const FINAL = { isWorthRetrying: false, waitMs: 0, concerns: "delivery" } as const;
const TIMEOUT: AttemptResult = { kind: "timeout", message: "No answer in 10 s.", durationMs: 1 };
const RESET: AttemptResult = {
  kind: "network",
  code: "ECONNRESET",
  message: "The connection was reset.",
  durationMs: 1,
};
const BLOCKED: AttemptResult = {
  kind: "blocked",
  verdict: "loopback",
  message: "The address is not public.",
  durationMs: 1,
};

/** Milliseconds until the next attempt; undefined when there is none. */
function waitOf(result: AttemptResult, position: Partial<AttemptPosition> = {}) {
  const decision = decideNext(result, { ...FIRST_OF_FOUR, ...position });
  return decision.next === "retry" ? decision.retryAt.getTime() - ENDED_AT.getTime() : undefined;
}

describe("what counts as what", () => {
  it.each([200, 201, 202, 204, 226, 299])("takes %i as success", (status) => {
    expect(decideNext(answer(status), FIRST_OF_FOUR)).toEqual({ next: "success" });
  });

  it.each([408, 425, 429, 500, 501, 502, 503, 504, 599])("tries again after %i", (status) => {
    expect(decideNext(answer(status), FIRST_OF_FOUR)).toEqual({
      next: "retry",
      retryAt: new Date(ENDED_AT.getTime() + 5_000),
      failure: { errorType: "http", message: `The receiver answered ${status}.` },
    });
  });

  it.each([300, 301, 302, 303, 304, 307, 308])("neither follows nor retries %i", (status) => {
    expect(decideNext(answer(status, { location: "/elsewhere" }), FIRST_OF_FOUR)).toEqual({
      next: "failed",
      failure: { errorType: "http", message: `The receiver answered ${status}.` },
    });
  });

  it.each([400, 401, 403, 404, 409, 410, 413, 421, 422, 428, 430, 451, 499])(
    "gives up after %i",
    (status) => {
      expect(decideNext(answer(status), FIRST_OF_FOUR)).toEqual({
        next: "failed",
        failure: { errorType: "http", message: `The receiver answered ${status}.` },
      });
    },
  );

  it("takes what a vendor reads as delivered as success", () => {
    const reading = { ...FINAL, isDelivered: true };
    expect(decideNext({ ...answer(302), reading }, FIRST_OF_FOUR)).toEqual({ next: "success" });
    expect(decideNext({ ...answer(302), reading: FINAL }, FIRST_OF_FOUR).next).toBe("failed");
  });

  it.each([400, 401, 403, 495, 496])(
    "says with %i that a client certificate is missed",
    (status) => {
      const result = { ...answer(status), asksForCertificate: true as const };
      expect(decideNext(result, FIRST_OF_FOUR)).toMatchObject({
        next: "failed",
        failure: { message: expect.stringContaining("asks for a client certificate") },
      });
    },
  );

  it.each([426, 464, 505])("says with %i that another HTTP is wanted", (status) => {
    expect(decideNext(answer(status), FIRST_OF_FOUR)).toMatchObject({
      failure: { message: expect.stringContaining("does not speak HTTP/1.1") },
    });
  });

  it("tries again after a timeout", () => {
    expect(decideNext(TIMEOUT, FIRST_OF_FOUR)).toMatchObject({
      next: "retry",
      failure: { errorType: "timeout", message: "No answer in 10 s." },
    });
  });

  it("tries again after a network failure", () => {
    expect(decideNext(RESET, FIRST_OF_FOUR)).toMatchObject({
      next: "retry",
      failure: { errorType: "network", message: "The connection was reset." },
    });
  });

  it("gives up on a refused address at once", () => {
    expect(decideNext(BLOCKED, FIRST_OF_FOUR)).toEqual({
      next: "failed",
      failure: { errorType: "blocked", message: "The address is not public." },
    });
  });

  it("takes a success on the last attempt as success", () => {
    expect(decideNext(answer(200), { ...FIRST_OF_FOUR, attemptInRound: 4 }).next).toBe("success");
  });
});

describe("the schedule", () => {
  it("waits 5, 25 and 125 s before attempts 2, 3 and 4", () => {
    const waits = [1, 2, 3].map((attemptInRound) => waitOf(answer(500), { attemptInRound }));
    expect(waits).toEqual([5_000, 25_000, 125_000]);
  });

  it.each([answer(500), answer(429, { "retry-after": "60" }), TIMEOUT, RESET])(
    "fails when all attempts are used up (%#)",
    (result) => {
      for (const attemptInRound of [4, 5]) {
        const decision = decideNext(result, { ...FIRST_OF_FOUR, attemptInRound });
        expect(decision.next).toBe("failed");
      }
    },
  );

  it("repeats the last wait when there are more attempts than waits", () => {
    const waits = [3, 4, 9].map((attemptInRound) =>
      waitOf(answer(500), { attemptInRound, attemptsInRound: 10 }),
    );
    expect(waits).toEqual([125_000, 125_000, 125_000]);
  });

  it("makes one attempt when only one was asked for", () => {
    expect(waitOf(answer(500), { attemptsInRound: 1 })).toBeUndefined();
  });

  it("tries again at once when the schedule is empty but attempts are left", () => {
    expect(waitOf(answer(500), { scheduleMs: [] })).toBe(0);
  });

  it("keeps fractions of a second", () => {
    expect(waitOf(answer(500), { scheduleMs: [250] })).toBe(250);
  });
});

describe("Retry-After", () => {
  it.each([408, 425, 429, 503])("is honoured on %i when later than the schedule", (status) => {
    expect(waitOf(answer(status, { "retry-after": "30" }))).toBe(30_000);
  });

  it.each([408, 425, 429, 503])("does not shorten the schedule on %i", (status) => {
    expect(waitOf(answer(status, { "retry-after": "2" }), { attemptInRound: 2 })).toBe(25_000);
    expect(waitOf(answer(status, { "retry-after": "0" }))).toBe(5_000);
  });

  it("counts a date from the end of the attempt", () => {
    expect(waitOf(answer(503, { "retry-after": "Sun, 01 Mar 2026 12:00:40 GMT" }))).toBe(40_000);
    expect(waitOf(answer(503, { "retry-after": "Sun, 01 Mar 2026 11:00:00 GMT" }))).toBe(5_000);
  });

  it("is honoured in full up to one hour and capped there", () => {
    expect(RETRY_AFTER_LIMIT_MS).toBe(3_600_000);
    expect(waitOf(answer(429, { "retry-after": "3599" }))).toBe(3_599_000);
    expect(waitOf(answer(429, { "retry-after": "3600" }))).toBe(3_600_000);
    expect(waitOf(answer(429, { "retry-after": "3601" }))).toBe(3_600_000);
    expect(waitOf(answer(429, { "retry-after": "Sun, 01 Mar 2026 14:00:00 GMT" }))).toBe(3_600_000);
  });

  it("does not cap a schedule that is longer than an hour", () => {
    const scheduleMs = [7_200_000];
    expect(waitOf(answer(429, { "retry-after": "60" }), { scheduleMs })).toBe(7_200_000);
  });

  it.each([500, 502, 504])("means nothing on %i", (status) => {
    expect(waitOf(answer(status, { "retry-after": "600" }))).toBe(5_000);
  });

  it("does not bring back what is not retried", () => {
    expect(waitOf(answer(404, { "retry-after": "1" }))).toBeUndefined();
    expect(waitOf(answer(302, { "retry-after": "1" }))).toBeUndefined();
  });

  it.each(["soon", "-5", "", "1e3", "NaN"])("is ignored when it reads %j", (value) => {
    expect(waitOf(answer(429, { "retry-after": value }))).toBe(5_000);
  });
});

describe("any attempt at all", () => {
  const anyResult = fc.oneof(
    fc
      .tuple(fc.integer({ min: 200, max: 599 }), fc.option(fc.string(), { nil: undefined }))
      .map(([status, value]) =>
        answer(status, value === undefined ? {} : { "retry-after": value }),
      ),
    fc
      .tuple(fc.constantFrom(429, 503), fc.nat({ max: 10_000 }))
      .map(([status, seconds]) => answer(status, { "retry-after": String(seconds) })),
    fc.constantFrom(TIMEOUT, RESET, BLOCKED),
  );
  const anyPosition = fc.record({
    attemptInRound: fc.integer({ min: 1, max: 10 }),
    attemptsInRound: fc.integer({ min: 1, max: 10 }),
    scheduleMs: fc.array(fc.nat({ max: 10_000_000 }), { maxLength: 9 }),
    endedAt: fc.date({
      min: new Date("2000-01-01"),
      max: new Date("2100-01-01"),
      noInvalidDate: true,
    }),
  });

  it("is never tried again once the attempts are used up", () => {
    fc.assert(
      fc.property(anyResult, anyPosition, (result, position) => {
        const { next } = decideNext(result, position);
        expect(next === "retry" && position.attemptInRound >= position.attemptsInRound).toBe(false);
      }),
    );
  });

  it("waits at least its place in the schedule, and no longer than that or an hour", () => {
    fc.assert(
      fc.property(anyResult, anyPosition, (result, position) => {
        const decision = decideNext(result, position);
        if (decision.next !== "retry") return;
        const { scheduleMs, attemptInRound, endedAt } = position;
        const scheduledMs = scheduleMs[attemptInRound - 1] ?? scheduleMs.at(-1) ?? 0;
        const waitMs = decision.retryAt.getTime() - endedAt.getTime();
        expect(waitMs).toBeGreaterThanOrEqual(scheduledMs);
        expect(waitMs).toBeLessThanOrEqual(Math.max(scheduledMs, 3_600_000));
      }),
    );
  });

  it("succeeds exactly on 2xx", () => {
    fc.assert(
      fc.property(anyResult, anyPosition, (result, position) => {
        const is2xx = result.kind === "response" && Math.floor(result.status / 100) === 2;
        expect(decideNext(result, position).next === "success").toBe(is2xx);
      }),
    );
  });
});
