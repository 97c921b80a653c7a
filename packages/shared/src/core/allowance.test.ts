import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allowanceOf, type DestinationView } from "./allowance.ts";
import { CIRCUIT_STATES, CLOSED, type Circuit } from "./circuit.ts";

const NOW = 1_000_000_000;
const RULES = { nowMs: NOW, mostOutstanding: 5 };
const NO_LIMITS = { ratePerSecond: null, maxInFlight: null };
const WELL = { circuit: CLOSED, isQuick: true };
const OPEN: Circuit = { ...CLOSED, state: "open", failuresInARow: 12, probeAtMs: NOW + 1 };
const HALF_OPEN: Circuit = { ...CLOSED, state: "half_open", sinceMs: NOW - 500, ratePerSecond: 4 };

function view(also: Partial<DestinationView> = {}): DestinationView {
  return {
    known: WELL,
    free: 100,
    waiting: 100,
    inFlight: 0,
    outstanding: 0,
    limits: NO_LIMITS,
    isEnded: false,
    releasedAtMs: null,
    ...also,
  };
}
const allow = (also?: Partial<DestinationView>) => {
  const { lane, count, order } = allowanceOf(view(also), RULES);
  return { lane, count, order };
};

describe("what a destination may get", () => {
  it.each<[string, Partial<DestinationView>, ReturnType<typeof allow>]>([
    ["is well", {}, { lane: "main", count: 100, order: "due" }],
    ["is well and has 5 in flight", { inFlight: 5 }, { lane: "main", count: 0, order: "due" }],
    ["is new", { known: undefined }, { lane: "side", count: 2, order: "due" }],
    [
      "is new and is being looked at",
      { known: undefined, outstanding: 2 },
      { lane: "side", count: 0, order: "due" },
    ],
    [
      "is slow and has two under way",
      { known: { ...WELL, isQuick: false }, outstanding: 2 },
      { lane: "side", count: 3, order: "due" },
    ],
    [
      "fails and has little waiting",
      {
        known: { circuit: { ...CLOSED, failuresInARow: 12 }, isQuick: true },
        free: 4,
        waiting: 20,
      },
      { lane: "side", count: 4, order: "due" },
    ],
    [
      "is paused",
      { known: { circuit: { ...CLOSED, pausedUntilMs: NOW + 1 }, isQuick: true } },
      { lane: "side", count: 0, order: "due" },
    ],
    [
      "was paused",
      { known: { circuit: { ...CLOSED, pausedUntilMs: NOW }, isQuick: true } },
      { lane: "main", count: 100, order: "due" },
    ],
    [
      "is open",
      { known: { circuit: OPEN, isQuick: false } },
      { lane: "probe", count: 0, order: "age" },
    ],
    [
      "is open and due for a probe",
      { known: { circuit: { ...OPEN, probeAtMs: NOW }, isQuick: false } },
      { lane: "probe", count: 1, order: "age" },
    ],
    [
      "is open with its probe under way",
      { known: { circuit: { ...OPEN, probeAtMs: NOW }, isQuick: false }, outstanding: 1 },
      { lane: "probe", count: 0, order: "age" },
    ],
    [
      "is half open for half a second at 4/s",
      { known: { circuit: HALF_OPEN, isQuick: true } },
      { lane: "side", count: 2, order: "age" },
    ],
    [
      "is half open and was looked at 100 ms ago",
      { known: { circuit: HALF_OPEN, isQuick: true }, releasedAtMs: NOW - 100 },
      { lane: "side", count: 0, order: "age" },
    ],
    [
      "is half open and has one under way",
      { known: { circuit: HALF_OPEN, isQuick: true }, outstanding: 1 },
      { lane: "side", count: 0, order: "age" },
    ],
    [
      "was disabled, whatever its state",
      { known: { circuit: OPEN, isQuick: false }, isEnded: true },
      { lane: "main", count: 100, order: "due" },
    ],
    [
      "takes 3 at once, of which 1 is under way",
      { limits: { ...NO_LIMITS, maxInFlight: 3 }, outstanding: 1 },
      { lane: "main", count: 2, order: "due" },
    ],
    [
      "takes 6 a second, of which 1 is under way",
      { limits: { ...NO_LIMITS, ratePerSecond: 6 }, outstanding: 1 },
      { lane: "side", count: 2, order: "due" },
    ],
    [
      "takes one in ten seconds",
      { limits: { ...NO_LIMITS, ratePerSecond: 0.1 } },
      { lane: "side", count: 1, order: "due" },
    ],
  ])("that %s", (_what, also, expected) => {
    expect(allow(also)).toEqual(expected);
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
const anyView = fc.record<DestinationView>({
  known: fc.option(fc.record({ circuit: anyCircuit, isQuick: fc.boolean() }), { nil: undefined }),
  free: fc.nat({ max: 500 }),
  waiting: fc.nat({ max: 500 }),
  inFlight: fc.nat({ max: 10 }),
  outstanding: fc.nat({ max: 50 }),
  limits: fc.record({ ratePerSecond: limit, maxInFlight: limit }),
  isEnded: fc.constant(false),
  releasedAtMs: fc.option(fc.integer({ min: NOW - 100_000, max: NOW })),
});

describe("an allowance, whatever is known,", () => {
  it("is a whole number of what there is, and never more than a limit leaves", () => {
    fc.assert(
      fc.property(anyView, (given) => {
        const { lane, count } = allowanceOf(given, RULES);
        const { free, outstanding, limits, known } = given;
        expect(Number.isInteger(count)).toBe(true);
        expect(count).toBeGreaterThanOrEqual(0);
        expect(count).toBeLessThanOrEqual(free);
        if (limits.maxInFlight !== null && lane !== "probe") {
          expect(count).toBeLessThanOrEqual(Math.max(0, limits.maxInFlight - outstanding));
        }
        if (lane === "side") {
          expect(count).toBeLessThanOrEqual(Math.max(0, RULES.mostOutstanding - outstanding));
        }
        if (lane === "probe") expect(count + outstanding <= 1 || count === 0).toBe(true);
        if ((known?.circuit.pausedUntilMs ?? 0) > NOW) expect(count).toBe(0);
        if (lane === "main") expect(known?.isQuick).toBe(true);
      }),
    );
  });
});
