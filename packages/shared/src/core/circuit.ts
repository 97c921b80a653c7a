/**
 * Whether a destination gets its deliveries, and how fast: a circuit breaker whose closing is a ramp.
 *
 *   closed ──fails on and on, and much waits for it──▶ open
 *     ▲                                                │ a probe now and then
 *     └──little waits, or the ramp's end── half_open ◀─┘ until one succeeds
 *                                             └──fails again──▶ open
 *
 * An open circuit holds deliveries back without spending their attempts. A destination that fails and has
 * little waiting is not held back at all: its deliveries keep to their schedules, which costs nobody
 * anything, since they start where the others leave room (quota.ts). Pure: the state is a row, `now` an argument.
 */
export const CIRCUIT_STATES = ["closed", "open", "half_open"] as const;
export type CircuitState = (typeof CIRCUIT_STATES)[number];

export interface Circuit {
  readonly state: CircuitState;
  readonly sinceMs: number;
  /** The last failure's kind: `timeout`, `network`, `http_503`. */
  readonly reason: string | null;
  /** Failures since the last success. */
  readonly failuresInARow: number;
  /** Those of them that said "slower" and not "broken". */
  readonly throttlesInARow: number;
  /** Open: not before this. */
  readonly probeAtMs: number | null;
  readonly failedProbes: number;
  /** Half open: starts per second that are let through. */
  readonly ratePerSecond: number | null;
  /** Half open: above this the rate grows by steps and no longer by doubling. */
  readonly cautiousAbove: number | null;
  /** The receiver asked to be left alone until then. */
  readonly pausedUntilMs: number | null;
}

export const CLOSED: Circuit = {
  state: "closed",
  sinceMs: 0,
  reason: null,
  failuresInARow: 0,
  throttlesInARow: 0,
  probeAtMs: null,
  failedProbes: 0,
  ratePerSecond: null,
  cautiousAbove: null,
  pausedUntilMs: null,
};

/** What an attempt says about its destination. A 4xx that concerns one delivery says that it is there. */
export type Sign =
  | { readonly kind: "well" }
  | {
      readonly kind: "ill";
      readonly reason: string;
      readonly isThrottled: boolean;
      readonly pauseMs: number;
    };

/** Failures in a row before a circuit may open. */
export const OPENS_AFTER_FAILURES = 10;
/** The same for "slower": each such answer costs a delivery an attempt. */
export const OPENS_AFTER_THROTTLES = 3;
/** More than this must be waiting: less is not worth holding back. */
export const OPENS_ABOVE_BACKLOG = 20;
/** With no more than this waiting nothing is held back any longer. */
export const CLOSES_AT_BACKLOG = 5;
/** Waits before the probes, from the end of the attempt before; then the last one again and again. */
export const PROBE_WAITS_MS = [2_000, 5_000, 10_000, 15_000] as const;
/** Starts per second of a circuit that has just become half open, and of a destination that was never tried. */
export const FIRST_RATE = 2;
const LOWEST_RATE = 1;
/** A ramp that has come this far is over, whatever still waits. */
export const RAMP_ENDS_AT = 1_000;
export const RAMP_BREAKS_AFTER_FAILURES = 3;

export interface AttemptSign {
  readonly sign: Sign;
  /** Of the one that an open circuit lets through; what was in flight when it opened is none. */
  readonly isProbe: boolean;
}

export function afterAttempt(circuit: Circuit, made: AttemptSign, nowMs: number): Circuit {
  const { sign, isProbe } = made;
  return sign.kind === "well"
    ? afterSuccess(circuit, nowMs)
    : afterFailure(circuit, { sign, isProbe }, nowMs);
}

function afterSuccess(circuit: Circuit, nowMs: number): Circuit {
  // It may have started before the pause was asked for.
  const pausedUntilMs = (circuit.pausedUntilMs ?? 0) > nowMs ? circuit.pausedUntilMs : null;
  const well = {
    ...circuit,
    failuresInARow: 0,
    throttlesInARow: 0,
    failedProbes: 0,
    pausedUntilMs,
  };
  switch (circuit.state) {
    case "closed":
      return { ...well, reason: null };
    case "open":
      return {
        ...well,
        state: "half_open",
        sinceMs: nowMs,
        probeAtMs: null,
        ratePerSecond: FIRST_RATE,
      };
    case "half_open": {
      const rate = circuit.ratePerSecond ?? FIRST_RATE;
      const isCautious = circuit.cautiousAbove !== null && rate >= circuit.cautiousAbove;
      // One more per success doubles each second; one more per `rate` successes adds one each second.
      const faster = rate + (isCautious ? 1 / rate : 1);
      return faster >= RAMP_ENDS_AT ? closed(well, nowMs) : { ...well, ratePerSecond: faster };
    }
  }
}

function afterFailure(
  circuit: Circuit,
  { sign, isProbe }: { readonly sign: Extract<Sign, { kind: "ill" }>; readonly isProbe: boolean },
  nowMs: number,
): Circuit {
  const { reason, pauseMs, isThrottled } = sign;
  const failuresInARow = circuit.failuresInARow + 1;
  const throttlesInARow = circuit.throttlesInARow + (isThrottled ? 1 : 0);
  const pausedUntilMs =
    pauseMs > 0 ? Math.max(circuit.pausedUntilMs ?? 0, nowMs + pauseMs) : circuit.pausedUntilMs;
  const ill = { ...circuit, reason, failuresInARow, throttlesInARow, pausedUntilMs };
  switch (circuit.state) {
    case "closed":
      return ill;
    case "open": {
      if (!isProbe) return ill;
      const failedProbes = circuit.failedProbes + 1;
      return { ...ill, failedProbes, probeAtMs: nowMs + probeWaitMs(failedProbes) };
    }
    case "half_open": {
      const slower = Math.max(LOWEST_RATE, (circuit.ratePerSecond ?? FIRST_RATE) / 2);
      const careful = { ...ill, ratePerSecond: slower, cautiousAbove: slower };
      return failuresInARow >= RAMP_BREAKS_AFTER_FAILURES ? opened(careful, nowMs) : careful;
    }
  }
}

/** For the scheduler, which sees how much is waiting, whether due or not. */
export function withBacklog(circuit: Circuit, waiting: number, nowMs: number): Circuit {
  switch (circuit.state) {
    case "closed": {
      const { failuresInARow, throttlesInARow } = circuit;
      const isIll =
        failuresInARow >= OPENS_AFTER_FAILURES || throttlesInARow >= OPENS_AFTER_THROTTLES;
      return isIll && waiting > OPENS_ABOVE_BACKLOG ? opened(circuit, nowMs) : circuit;
    }
    case "open":
    case "half_open":
      return waiting <= CLOSES_AT_BACKLOG ? closed(circuit, nowMs) : circuit;
  }
}

function opened(circuit: Circuit, nowMs: number): Circuit {
  return {
    ...circuit,
    state: "open",
    sinceMs: nowMs,
    failedProbes: 0,
    probeAtMs: nowMs + probeWaitMs(0),
    ratePerSecond: null,
  };
}

/** Failures and a pause are facts of the destination, and stay. */
function closed(circuit: Circuit, nowMs: number): Circuit {
  const { failuresInARow, throttlesInARow, pausedUntilMs } = circuit;
  const reason = failuresInARow > 0 ? circuit.reason : null;
  return { ...CLOSED, sinceMs: nowMs, reason, failuresInARow, throttlesInARow, pausedUntilMs };
}

function probeWaitMs(failedProbes: number): number {
  return PROBE_WAITS_MS[Math.min(failedProbes, PROBE_WAITS_MS.length - 1)] ?? 0;
}
