/**
 * How many of a destination's due deliveries the sweep may let go now, on which lane, and what that does
 * to its circuit. Pure: what is known of the destination comes from its rows.
 */
import { withBacklog, type Circuit } from "./circuit.ts";
import { laneOf } from "./lanes.ts";

export interface DestinationView {
  /** Undefined: it was never tried. */
  readonly known: { readonly circuit: Circuit; readonly isQuick: boolean } | undefined;
  /** Due and in no queue; counted up to a bound. */
  readonly free: number;
  /** In no queue, due or not; counted up to a bound. */
  readonly waiting: number;
  readonly inFlight: number;
  /** In a queue or in flight. */
  readonly outstanding: number;
  readonly limits: {
    readonly ratePerSecond: number | null;
    readonly maxInFlight: number | null;
  };
  /** Its endpoint is disabled or gone: its deliveries end without an attempt. */
  readonly isEnded: boolean;
  /** When deliveries were last let go while its rate was limited. */
  readonly releasedAtMs: number | null;
}

export interface Allowance {
  readonly lane: "main" | "side" | "probe";
  readonly count: number;
  /** As it is from now on. */
  readonly circuit: Circuit | undefined;
  /**
   * `due`: by due time. `age`: in the order of acceptance, and what was tried before the circuit's state
   * changed does not wait for its time.
   */
  readonly order: "due" | "age";
}

export interface AllowanceRules {
  readonly nowMs: number;
  /** In flight at once to one destination; beside the main lane also in a queue. */
  readonly mostOutstanding: number;
}

/** To one destination; what they find decides about the rest. */
export const FIRST_LOOKS = 2;

/** A sweep that comes late gives no more than this much of a rate at once. */
const LONGEST_CREDIT_MS = 1_000;

export function allowanceOf(view: DestinationView, rules: AllowanceRules): Allowance {
  const { known, free, outstanding, limits, waiting } = view;
  const { nowMs, mostOutstanding } = rules;
  const circuit = known && withBacklog(known.circuit, waiting + outstanding, nowMs);
  const room = Math.max(0, Math.min(mostOutstanding, limits.maxInFlight ?? Infinity) - outstanding);
  const side = (count: number, order: Allowance["order"] = "due"): Allowance => {
    return { lane: "side", count: Math.max(0, Math.min(free, Math.floor(count))), circuit, order };
  };

  if (view.isEnded) return { lane: "main", count: free, circuit, order: "due" };
  if (known === undefined || circuit === undefined) {
    return side(withinOwnRate(view, Math.min(room, FIRST_LOOKS - outstanding)));
  }
  if ((circuit.pausedUntilMs ?? 0) > nowMs) return side(0);
  switch (circuit.state) {
    case "open": {
      const isDue = (circuit.probeAtMs ?? 0) <= nowMs && outstanding === 0;
      return { lane: "probe", count: isDue ? Math.min(1, free) : 0, circuit, order: "age" };
    }
    case "half_open": {
      const sinceMs = Math.min(nowMs - (view.releasedAtMs ?? circuit.sinceMs), LONGEST_CREDIT_MS);
      const credit = ((circuit.ratePerSecond ?? 0) * sinceMs) / 1_000;
      // Some at a time, each lot when the one before is done: they come in their order.
      const next = outstanding === 0 ? withinOwnRate(view, room) : 0;
      return side(Math.min(next, credit), "age");
    }
    case "closed": {
      const { failuresInARow } = circuit;
      const hasOwnRate = limits.ratePerSecond !== null;
      const standing = { isQuick: known.isQuick, isClosed: true, failuresInARow, hasOwnRate };
      if (laneOf(standing) === "side") return side(withinOwnRate(view, room));
      // Its queue may be longer than what runs at once; but then it is to run.
      const most = view.inFlight >= mostOutstanding ? 0 : free;
      const count = limits.maxInFlight === null ? most : Math.min(most, room);
      return { lane: "main", count, circuit, order: "due" };
    }
  }
}

/** With a rate of its own it has about half a second of starts waiting for their turn. */
function withinOwnRate({ limits, outstanding }: DestinationView, room: number): number {
  if (limits.ratePerSecond === null) return room;
  return Math.min(room, Math.max(1, Math.ceil(limits.ratePerSecond / 2)) - outstanding);
}
