/**
 * How much may be leased or in flight at once over all destinations. PostgreSQL keeps the backlog; what is
 * leased is less than a second of work, so that a lost queue loses little, a new delivery overtakes an old
 * backlog, and a backlog of any size costs the queue nothing.
 */
import type { PermitKind } from "./permit.ts";

/** Without a rate limit: some tenths of a second at full speed, refilled every few hundredths. */
const UNLIMITED_TARGET = 500;
const SMALLEST_TARGET = 10;
const SECONDS_OF_WORK = 0.3;
/**
 * Trials that wait for their start. Few with a rate limit, where they start one after the other: who is new
 * waits behind no crowd of others that are new. Those in flight count among the low slots alone.
 */
const TRIALS = { limited: 10, unlimited: 200 };

/** A worker's attempts in flight; a socket that waits costs little. */
const LEAST_NORMAL_SLOTS = 500;
/** 200 receivers that hang for 10 s are 600 first looks at receivers in 30 s. */
const LEAST_LOW_SLOTS = 200;
/** Of the slots for low permits, kept for destinations that were never tried. */
const SHARE_FOR_TRIALS = 0.25;

export interface WorkerSlots {
  readonly normal: number;
  /** For trials, low permits and probes. */
  readonly low: number;
}

export function slotsOf(concurrency: number): WorkerSlots {
  return {
    normal: LEAST_NORMAL_SLOTS + concurrency,
    low: Math.max(LEAST_LOW_SLOTS, concurrency),
  };
}

/** Normal permits, leased or waiting for their start, that the scheduler fills up to. */
export function normalTarget(ratePerSecond: number): number {
  if (ratePerSecond === 0) return UNLIMITED_TARGET;
  return Math.max(SMALLEST_TARGET, Math.ceil(ratePerSecond * SECONDS_OF_WORK));
}

export interface CapacityConfig {
  readonly concurrency: number;
  /** 0: no limit. */
  readonly rateLimitPerSecond: number;
}

/** What may be leased now. */
export interface Capacity {
  readonly normal: number;
  /** For trials and all other low permits together. */
  readonly low: number;
  readonly trial: number;
  readonly lowButNoTrial: number;
}

type Count = {
  readonly kind: PermitKind;
  readonly leased: number;
  readonly inFlight: number;
};

export function capacityOf(
  { concurrency, rateLimitPerSecond }: CapacityConfig,
  { rows, workers }: { readonly rows: readonly Count[]; readonly workers: number },
): Capacity {
  const most = Math.max(1, workers);
  const slots = slotsOf(concurrency);
  const normalLeased = sum(rows, ({ kind, leased }) => (kind === "normal" ? leased : 0));
  const normalInFlight = sum(rows, ({ kind, inFlight }) => (kind === "normal" ? inFlight : 0));
  const low = sum(rows, ({ kind, leased, inFlight }) =>
    kind === "normal" ? 0 : leased + inFlight,
  );
  const trialLeased = sum(rows, ({ kind, leased }) => (kind === "trial" ? leased : 0));
  // With a rate limit a worker has up to `concurrency` claims that wait for their start; those beyond that are
  // on the wire, and what waits for an answer holds up nobody.
  const starting = rateLimitPerSecond === 0 ? 0 : Math.min(normalInFlight, concurrency * most);
  return {
    normal: Math.min(
      normalTarget(rateLimitPerSecond) - normalLeased - starting,
      slots.normal * most - normalLeased - normalInFlight,
    ),
    low: slots.low * most - low,
    trial: (rateLimitPerSecond === 0 ? TRIALS.unlimited : TRIALS.limited) - trialLeased,
    lowButNoTrial: slots.low * most * (1 - SHARE_FOR_TRIALS) - low,
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
