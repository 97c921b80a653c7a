import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CIRCUIT_STATES, CLOSED, type Circuit } from "./circuit.ts";
import { isHealthy, quotaOf, type DestinationView } from "./quota.ts";

const NOW = 1_000_000_000;
const RULES = { nowMs: NOW, mostInFlight: 5 };
const NO_LIMITS = { ratePerSecond: null, maxInFlight: null };
const WELL = { circuit: CLOSED, isQuick: true };
const OPEN: Circuit = { ...CLOSED, state: "open", failuresInARow: 12, probeAtMs: NOW + 1 };
const HALF_OPEN: Circuit = {
  ...CLOSED,
  state: "half_open",
  sinceMs: NOW - 500,
  ratePerSecond: 4,
};

function view(also: Partial<DestinationView> = {}): DestinationView {
  return {
    known: WELL,
    due: 100,
    waiting: 100,
    leased: 0,
    inFlight: 0,
    limits: NO_LIMITS,
    releasedAtMs: null,
    ...also,
  };
}
const quota = (also?: Partial<DestinationView>) => {
  const { kind, count, order } = quotaOf(view(also), RULES);
  return { kind, count, order };
};

describe("the quota of a destination", () => {
  it.each<[string, Partial<DestinationView>, ReturnType<typeof quota>]>([
    ["is well", {}, { kind: "normal", count: 100, order: "due" }],
    [
      "is well and has more due than was counted",
      { due: Infinity, waiting: Infinity },
      { kind: "normal", count: Infinity, order: "due" },
    ],
    [
      "is well and has 5 leased, none in flight",
      { leased: 5 },
      { kind: "normal", count: 100, order: "due" },
    ],
    ["is well and has 5 in flight", { inFlight: 5 }, { kind: "normal", count: 0, order: "due" }],
    ["was never tried", { known: undefined }, { kind: "trial", count: 2, order: "due" }],
    [
      "was never tried and has more due than was counted",
      { known: undefined, due: Infinity, waiting: Infinity },
      { kind: "trial", count: 2, order: "due" },
    ],
    [
      "is being tried for the first time",
      { known: undefined, leased: 1, inFlight: 1 },
      { kind: "trial", count: 0, order: "due" },
    ],
    [
      "is slow and has two outstanding",
      { known: { ...WELL, isQuick: false }, leased: 1, inFlight: 1 },
      { kind: "low", count: 3, order: "due" },
    ],
    [
      "fails and has little waiting",
      { known: { circuit: { ...CLOSED, failuresInARow: 12 }, isQuick: true }, due: 4, waiting: 20 },
      { kind: "low", count: 4, order: "due" },
    ],
    [
      "is paused",
      { known: { circuit: { ...CLOSED, pausedUntilMs: NOW + 1 }, isQuick: true } },
      { kind: "low", count: 0, order: "due" },
    ],
    [
      "was paused",
      { known: { circuit: { ...CLOSED, pausedUntilMs: NOW }, isQuick: true } },
      { kind: "normal", count: 100, order: "due" },
    ],
    [
      "is open",
      { known: { circuit: OPEN, isQuick: false } },
      { kind: "probe", count: 0, order: "age" },
    ],
    [
      "is open and due for a probe",
      { known: { circuit: { ...OPEN, probeAtMs: NOW }, isQuick: false } },
      { kind: "probe", count: 1, order: "age" },
    ],
    [
      "is open with its probe leased",
      { known: { circuit: { ...OPEN, probeAtMs: NOW }, isQuick: false }, leased: 1 },
      { kind: "probe", count: 0, order: "age" },
    ],
    [
      "is half open for half a second at 4/s",
      { known: { circuit: HALF_OPEN, isQuick: true } },
      { kind: "low", count: 2, order: "age" },
    ],
    [
      "is half open and got some 100 ms ago",
      { known: { circuit: HALF_OPEN, isQuick: true }, releasedAtMs: NOW - 100 },
      { kind: "low", count: 0, order: "age" },
    ],
    [
      "is half open and has one in flight",
      { known: { circuit: HALF_OPEN, isQuick: true }, inFlight: 1 },
      { kind: "low", count: 0, order: "age" },
    ],
    [
      "takes 3 at once, of which 1 is leased",
      { limits: { ...NO_LIMITS, maxInFlight: 3 }, leased: 1 },
      { kind: "normal", count: 2, order: "due" },
    ],
    [
      "takes 3 at once, of which 1 is leased and 2 are in flight",
      { limits: { ...NO_LIMITS, maxInFlight: 3 }, leased: 1, inFlight: 2 },
      { kind: "normal", count: 0, order: "due" },
    ],
    [
      "takes 6 a second, of which 1 is in flight",
      { limits: { ...NO_LIMITS, ratePerSecond: 6 }, inFlight: 1 },
      { kind: "low", count: 2, order: "due" },
    ],
    [
      "takes one in ten seconds",
      { limits: { ...NO_LIMITS, ratePerSecond: 0.1 } },
      { kind: "low", count: 1, order: "due" },
    ],
  ])("that %s", (_what, also, expected) => {
    expect(quota(also)).toEqual(expected);
  });

  it("opens a circuit that fails and has much waiting, leased or not", () => {
    const known = { circuit: { ...CLOSED, failuresInARow: 10 }, isQuick: true };
    expect(quotaOf(view({ known, due: 5, waiting: 15, leased: 5 }), RULES).circuit?.state).toBe(
      "closed",
    );
    expect(quotaOf(view({ known, due: 5, waiting: 16, leased: 5 }), RULES).circuit?.state).toBe(
      "open",
    );
  });
});

describe("a healthy destination", () => {
  it.each<[string, Partial<Circuit>, boolean, boolean]>([
    ["is quick and closed", {}, true, true],
    ["failed twice", { failuresInARow: 2 }, true, true],
    ["failed three times", { failuresInARow: 3 }, true, false],
    ["is slow", {}, false, false],
    ["is open", { state: "open" }, true, false],
    ["is half open", { state: "half_open" }, true, false],
  ])("or not: it %s", (_what, circuit, isQuick, expected) => {
    expect(isHealthy({ circuit: { ...CLOSED, ...circuit }, isQuick })).toBe(expected);
  });
});

const anyCircuit = fc
  .record({
    state: fc.constantFrom(...CIRCUIT_STATES),
    failuresInARow: fc.nat({ max: 30 }),
    pausedUntilMs: fc.constantFrom(null, NOW - 1, NOW + 1),
    probeAtMs: fc.integer({ min: NOW - 20_000, max: NOW + 20_000 }),
    ratePerSecond: fc.double({ min: 1, max: 1_000, noNaN: true }),
    sinceMs: fc.integer({ min: NOW - 100_000, max: NOW }),
  })
  .map(({ state, failuresInARow, pausedUntilMs, probeAtMs, ratePerSecond, sinceMs }): Circuit => ({
    state,
    sinceMs,
    reason: null,
    failuresInARow,
    throttlesInARow: 0,
    probeAtMs: state === "open" ? probeAtMs : null,
    failedProbes: 0,
    ratePerSecond: state === "half_open" ? ratePerSecond : null,
    cautiousAbove: null,
    pausedUntilMs,
  }));
const limit = fc.option(fc.integer({ min: 1, max: 50 }));
const count = fc.oneof(fc.nat({ max: 500 }), fc.constant(Infinity));
const anyView = fc.record<DestinationView>({
  known: fc.option(fc.record({ circuit: anyCircuit, isQuick: fc.boolean() }), { nil: undefined }),
  due: count,
  waiting: count,
  leased: fc.nat({ max: 40 }),
  inFlight: fc.nat({ max: 10 }),
  limits: fc.record({ ratePerSecond: limit, maxInFlight: limit }),
  releasedAtMs: fc.option(fc.integer({ min: NOW - 100_000, max: NOW })),
});

describe("a quota, whatever is known,", () => {
  it("is a whole number of what is due, or any number of it, and never more than a limit leaves", () => {
    fc.assert(
      fc.property(anyView, (given) => {
        const { kind, count: granted } = quotaOf(given, RULES);
        const { due, limits, known } = given;
        const outstanding = given.leased + given.inFlight;
        expect(Number.isInteger(granted) || granted === Infinity).toBe(true);
        expect(granted).toBeGreaterThanOrEqual(0);
        expect(granted).toBeLessThanOrEqual(due);
        if (limits.maxInFlight !== null && kind !== "probe") {
          expect(granted).toBeLessThanOrEqual(Math.max(0, limits.maxInFlight - outstanding));
        }
        if (kind === "low" || kind === "trial") {
          expect(granted).toBeLessThanOrEqual(Math.max(0, RULES.mostInFlight - outstanding));
        }
        if (kind === "probe") expect(granted + outstanding <= 1 || granted === 0).toBe(true);
        if ((known?.circuit.pausedUntilMs ?? 0) > NOW) expect(granted).toBe(0);
        if (kind === "normal") expect(known && isHealthy(known)).toBe(true);
      }),
    );
  });
});
