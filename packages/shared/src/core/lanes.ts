/**
 * The two roads to a receiver. The main lane has the process's slots and is for destinations that are
 * known to answer soon and well. Everything else runs in the side lane: the first attempt to a new
 * destination, slow ones, failing ones, probes, those with a rate of their own. It has more slots, since
 * they mostly wait, and shares them fairly, so that a hundred receivers that hang cost each other time
 * and the main lane nothing.
 */
export const LANES = ["main", "side"] as const;
export type Lane = (typeof LANES)[number];

/** An attempt that takes longer makes its destination slow, and leaves the main lane while it lasts. */
export const QUICK_MS = 1_000;

/** Sockets that wait cost little; 200 that hang for 10 s are 600 first looks at receivers in 30 s. */
const FEWEST_SIDE_SLOTS = 200;

export function sideSlots(concurrency: number): number {
  return Math.max(FEWEST_SIDE_SLOTS, concurrency);
}

/** Attempts of the main lane that go on without a slot; beyond that they keep theirs. */
export const MOST_WITHOUT_SLOT = 250;

const HAND_OVERS_REMEMBERED_MS = 5_000;
const SOONEST_HAND_OVER_MS = 50;
const TIMES_THE_TYPICAL = 5;
const LEAST_BY_TYPICAL_MS = 100;

/**
 * How long an attempt may keep its slot of the main lane: some times what its destination typically
 * takes (undefined: not known here). When many receivers stop answering at once they are known by the
 * first few: the more were too slow just now, the less the next one gets.
 */
export function slotLastsMs(
  typicalMs: number | undefined,
  handedOverAtMs: readonly number[],
  nowMs: number,
): number {
  const enoughMs = Math.max(LEAST_BY_TYPICAL_MS, (typicalMs ?? Infinity) * TIMES_THE_TYPICAL);
  const recent = handedOverAtMs.filter((at) => nowMs - at < HAND_OVERS_REMEMBERED_MS).length;
  return Math.max(SOONEST_HAND_OVER_MS, Math.min(QUICK_MS, enoughMs) / (1 + recent));
}

/** Undefined: nothing is known of it. */
export interface Standing {
  readonly isQuick: boolean;
  readonly isClosed: boolean;
  readonly failuresInARow: number;
  readonly hasOwnRate: boolean;
}

/** A failure or two happen to everybody. */
const FAILURES_OF_A_GOOD_ONE = 2;

export function laneOf(standing: Standing | undefined): Lane {
  if (standing === undefined) return "side";
  const { isQuick, isClosed, failuresInARow, hasOwnRate } = standing;
  const isGood = isQuick && isClosed && failuresInARow <= FAILURES_OF_A_GOOD_ONE;
  return isGood && !hasOwnRate ? "main" : "side";
}
