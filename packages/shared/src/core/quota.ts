/**
 * The one gate: how many of a destination's due deliveries may start now, and with which permit. Pure: what
 * is known of the destination comes from its rows, `nowMs` is an argument. Nothing else in the service
 * judges whether a delivery may start; the claim only asks whether there is a permit.
 */
import { CLOSED, FIRST_RATE, withBacklog, type Circuit } from "./circuit.ts";
import type { PermitKind } from "./permit.ts";

export interface DestinationHealth {
  readonly circuit: Circuit;
  /** Its latest attempt took no longer than `QUICK_MS`. */
  readonly isQuick: boolean;
}

export interface DestinationView {
  /** Undefined: it was never tried. */
  readonly known: DestinationHealth | undefined;
  /** Due and not leased; counted up to a bound, Infinity above it. */
  readonly due: number;
  /** Not leased, due or not; counted in the same way. */
  readonly waiting: number;
  readonly leased: number;
  readonly inFlight: number;
  /** Of its endpoint. */
  readonly limits: {
    readonly ratePerSecond: number | null;
    readonly maxInFlight: number | null;
  };
  /** When it was last given leases by age. */
  readonly releasedAtMs: number | null;
}

export interface QuotaRules {
  readonly nowMs: number;
  /** Attempts in flight at once to one destination, over all workers. */
  readonly mostInFlight: number;
}

export interface Quota {
  readonly kind: PermitKind;
  /** Infinity: as many as there is capacity for. */
  readonly count: number;
  /**
   * `due`: by due time. `age`: in the order of acceptance, and what was tried before the circuit's state
   * changed does not wait for its time.
   */
  readonly order: "due" | "age";
  /** As it is from now on; undefined: it was never tried. */
  readonly circuit: Circuit | undefined;
}

/** An attempt that takes longer makes its destination slow. */
export const QUICK_MS = 1_000;
/** A failure or two happen to everybody. */
const FAILURES_OF_A_HEALTHY_ONE = 2;
/** A scheduler that comes late gives no more than this much of a rate at once. */
const LONGEST_CREDIT_MS = 1_000;

/** Known to answer soon and well: its deliveries need not make room for others. */
export function isHealthy({ circuit, isQuick }: DestinationHealth): boolean {
  return (
    isQuick && circuit.state === "closed" && circuit.failuresInARow <= FAILURES_OF_A_HEALTHY_ONE
  );
}

/** A destination that was never tried is half open without a history: a few at once, and then what they found. */
const NEVER_TRIED: Circuit = { ...CLOSED, state: "half_open", ratePerSecond: FIRST_RATE };

export function quotaOf(view: DestinationView, rules: QuotaRules): Quota {
  const { known, due, leased, inFlight, limits, waiting } = view;
  const { nowMs, mostInFlight } = rules;
  const outstanding = leased + inFlight;
  const circuit = known && withBacklog(known.circuit, waiting + outstanding, nowMs);
  const room = Math.max(0, Math.min(mostInFlight, limits.maxInFlight ?? Infinity) - outstanding);
  const upTo = (count: number, kind: PermitKind, order: Quota["order"] = "due"): Quota => {
    const most = Number.isFinite(count) ? Math.floor(count) : count;
    return { kind, count: Math.max(0, Math.min(due, most)), order, circuit };
  };

  if (known === undefined || circuit === undefined) {
    const first = Math.min(room, (NEVER_TRIED.ratePerSecond ?? 0) - outstanding);
    return upTo(withinOwnRate(view, first), "trial");
  }
  if ((circuit.pausedUntilMs ?? 0) > nowMs) return upTo(0, "low");
  switch (circuit.state) {
    case "open": {
      const isProbeDue = (circuit.probeAtMs ?? 0) <= nowMs && outstanding === 0;
      return upTo(isProbeDue ? 1 : 0, "probe", "age");
    }
    case "half_open": {
      const sinceMs = Math.min(nowMs - (view.releasedAtMs ?? circuit.sinceMs), LONGEST_CREDIT_MS);
      const credit = ((circuit.ratePerSecond ?? 0) * sinceMs) / 1_000;
      // Some at a time, each lot when the one before is done: they come in their order.
      const next = outstanding === 0 ? withinOwnRate(view, room) : 0;
      return upTo(Math.min(next, credit), "low", "age");
    }
    case "closed": {
      if (!isHealthy({ ...known, circuit }) || limits.ratePerSecond !== null) {
        return upTo(withinOwnRate(view, room), "low");
      }
      // It may have more leased than it runs at once, or it would stand still until the next round.
      const most = inFlight >= mostInFlight ? 0 : Infinity;
      return upTo(limits.maxInFlight === null ? most : Math.min(most, room), "normal");
    }
  }
}

/** With a rate of its own it has about half a second of starts waiting for their time. */
function withinOwnRate({ limits, leased, inFlight }: DestinationView, room: number): number {
  if (limits.ratePerSecond === null) return room;
  return Math.min(room, Math.max(1, Math.ceil(limits.ratePerSecond / 2)) - leased - inFlight);
}
