import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterAttempt,
  CLOSED,
  CLOSES_AT_BACKLOG,
  OPENS_ABOVE_BACKLOG,
  OPENS_AFTER_FAILURES,
  OPENS_AFTER_THROTTLES,
  PROBE_WAITS_MS,
  RAMP_BREAKS_AFTER_FAILURES,
  RAMP_ENDS_AT,
  withBacklog,
  type AttemptSign,
  type Circuit,
} from "./circuit.ts";

const NOW = 1_000_000_000;
const MUCH = OPENS_ABOVE_BACKLOG + 1;
const well = (isProbe = false): AttemptSign => ({ sign: { kind: "well" }, isProbe });
const ill = (also: { isProbe?: boolean; isThrottled?: boolean; pauseMs?: number } = {}) => {
  const { isProbe = false, isThrottled = false, pauseMs = 0 } = also;
  const reason = isThrottled ? "http_429" : "timeout";
  return { sign: { kind: "ill", reason, isThrottled, pauseMs }, isProbe } as const;
};

function repeated(circuit: Circuit, sign: AttemptSign, times: number): Circuit {
  return Array.from({ length: times }).reduce<Circuit>((c) => afterAttempt(c, sign, NOW), circuit);
}

const OPEN = withBacklog(repeated(CLOSED, ill(), OPENS_AFTER_FAILURES), MUCH, NOW);
const HALF_OPEN = afterAttempt(OPEN, well(true), NOW);

describe("a closed circuit", () => {
  it("opens after so many failures in a row and with so much waiting, and says why", () => {
    const failing = repeated(CLOSED, ill(), OPENS_AFTER_FAILURES);
    expect(withBacklog(failing, MUCH, NOW)).toMatchObject({
      state: "open",
      sinceMs: NOW,
      reason: "timeout",
      probeAtMs: NOW + PROBE_WAITS_MS[0],
    });
  });

  it("stays closed with one failure less, with less waiting, or with a success in between", () => {
    const almost = repeated(CLOSED, ill(), OPENS_AFTER_FAILURES - 1);
    const between = repeated(afterAttempt(almost, well(), NOW), ill(), OPENS_AFTER_FAILURES - 1);
    expect(withBacklog(almost, 100_000, NOW).state).toBe("closed");
    expect(withBacklog(between, 100_000, NOW).state).toBe("closed");
    const failing = afterAttempt(almost, ill(), NOW);
    expect(withBacklog(failing, OPENS_ABOVE_BACKLOG, NOW)).toEqual(failing);
  });

  it("opens sooner for a receiver that says that it is too much", () => {
    const throttled = repeated(CLOSED, ill({ isThrottled: true }), OPENS_AFTER_THROTTLES);
    expect(withBacklog(throttled, MUCH, NOW)).toMatchObject({ state: "open", reason: "http_429" });
  });
});

describe("an open circuit", () => {
  it("is probed after waits that grow up to a last one", () => {
    let circuit = OPEN;
    const waits = [1, 2, 3, 4, 5].map(() => {
      circuit = afterAttempt(circuit, ill({ isProbe: true }), NOW);
      return (circuit.probeAtMs ?? 0) - NOW;
    });
    expect(waits).toEqual([5_000, 10_000, 15_000, 15_000, 15_000]);
    expect(circuit.state).toBe("open");
  });

  it("does not take for probes what was in flight when it opened", () => {
    const after = repeated(OPEN, ill(), 7);
    expect(after).toMatchObject({ failedProbes: 0, probeAtMs: OPEN.probeAtMs });
  });

  it("goes half open with a success, slowly", () => {
    expect(HALF_OPEN).toMatchObject({ state: "half_open", ratePerSecond: 2, failuresInARow: 0 });
  });

  it("closes when next to nothing waits", () => {
    expect(withBacklog(OPEN, CLOSES_AT_BACKLOG, NOW).state).toBe("closed");
    expect(withBacklog(OPEN, CLOSES_AT_BACKLOG + 1, NOW)).toEqual(OPEN);
  });
});

describe("a half open circuit", () => {
  it("lets one more a second through with each success, which doubles, and closes at the end", () => {
    expect(repeated(HALF_OPEN, well(), 2).ratePerSecond).toBe(4);
    const steps = RAMP_ENDS_AT - 2;
    expect(repeated(HALF_OPEN, well(), steps - 1).state).toBe("half_open");
    expect(repeated(HALF_OPEN, well(), steps)).toEqual({ ...CLOSED, sinceMs: NOW });
  });

  it("halves with a failure, and then adds one a second only", () => {
    const stumbled = afterAttempt(repeated(HALF_OPEN, well(), 38), ill(), NOW);
    expect(stumbled).toMatchObject({ ratePerSecond: 20, cautiousAbove: 20 });
    expect(repeated(stumbled, well(), 20).ratePerSecond).toBeCloseTo(21, 1);
  });

  it("doubles up to where it failed after it was open once more", () => {
    const broken = repeated(repeated(HALF_OPEN, well(), 38), ill(), RAMP_BREAKS_AFTER_FAILURES);
    expect(broken).toMatchObject({ state: "open", failedProbes: 0, cautiousAbove: 5 });
    const again = repeated(afterAttempt(broken, well(true), NOW), well(), 3);
    expect(again.ratePerSecond).toBe(5);
    expect(afterAttempt(again, well(), NOW).ratePerSecond).toBeCloseTo(5.2);
  });

  it("closes when next to nothing waits any more", () => {
    expect(withBacklog(HALF_OPEN, CLOSES_AT_BACKLOG, NOW)).toEqual({ ...CLOSED, sinceMs: NOW });
    expect(withBacklog(HALF_OPEN, CLOSES_AT_BACKLOG + 1, NOW)).toEqual(HALF_OPEN);
  });
});

describe("a pause that the receiver asked for", () => {
  it("holds whatever else is answered before it is over", () => {
    const paused = afterAttempt(CLOSED, ill({ isThrottled: true, pauseMs: 8_000 }), NOW);
    expect(afterAttempt(paused, well(), NOW + 7_999).pausedUntilMs).toBe(NOW + 8_000);
    expect(afterAttempt(paused, ill({ pauseMs: 1_000 }), NOW).pausedUntilMs).toBe(NOW + 8_000);
    expect(afterAttempt(paused, well(), NOW + 8_000).pausedUntilMs).toBeNull();
  });
});

const anySign = fc.oneof(
  fc.constant(well()),
  fc.constant(well(true)),
  fc
    .record({
      isProbe: fc.boolean(),
      isThrottled: fc.boolean(),
      pauseMs: fc.constantFrom(0, 0, 500, 3_600_000),
    })
    .map(ill),
);
const anyStep = fc.oneof(
  fc.record({ sign: anySign, afterMs: fc.nat({ max: 20_000 }) }),
  fc.record({ waiting: fc.nat({ max: 60 }), afterMs: fc.nat({ max: 20_000 }) }),
);

describe("a circuit, whatever happens to it,", () => {
  it("is one that its row can hold, moves along the drawing only, and has a way back", () => {
    const moves = new Set(["closed open", "open half_open", "half_open closed", "half_open open"]);
    // With next to nothing waiting.
    moves.add("open closed");
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
        let circuit: Circuit = CLOSED;
        let nowMs = NOW;
        for (const step of steps) {
          nowMs += step.afterMs;
          const before = circuit;
          circuit =
            "sign" in step
              ? afterAttempt(circuit, step.sign, nowMs)
              : withBacklog(circuit, step.waiting, nowMs);
          expect(circuit.probeAtMs !== null).toBe(circuit.state === "open");
          expect(circuit.ratePerSecond !== null).toBe(circuit.state === "half_open");
          if (circuit.state === before.state) {
            expect(circuit.sinceMs).toBe(before.sinceMs);
          } else {
            expect(moves).toContain(`${before.state} ${circuit.state}`);
            expect(circuit.sinceMs).toBe(nowMs);
          }
          if (circuit.ratePerSecond !== null) {
            expect(circuit.ratePerSecond).toBeGreaterThanOrEqual(1);
            expect(circuit.ratePerSecond).toBeLessThan(RAMP_ENDS_AT);
          }
          // Within 30 s with a probe that hangs for 10 s.
          if (circuit.probeAtMs !== null)
            expect(circuit.probeAtMs - nowMs).toBeLessThanOrEqual(15_000);
        }
        const healed = Array.from({ length: 2_000 }).reduce<Circuit>(
          (c) => afterAttempt(c, well(true), nowMs),
          circuit,
        );
        expect(withBacklog(healed, 0, nowMs).state).toBe("closed");
      }),
    );
  });
});
