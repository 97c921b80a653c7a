/** How a replay keeps its rate: a few deliveries a step, and then the time that they may take. */

export const DEFAULT_REPLAY_RATE_PER_SECOND = 50;
export const MIN_REPLAY_RATE_PER_SECOND = 0.1;
export const MAX_REPLAY_RATE_PER_SECOND = 10_000;

/** Short enough to be even, long enough to cost the database little. */
const STEP_MS = 250;
/** Rows of one transaction. */
const MOST_A_STEP = 1_000;

export function mostInAStep(ratePerSecond: number): number {
  const inTime = Math.floor((ratePerSecond * STEP_MS) / 1_000);
  return Math.min(Math.max(inTime, 1), MOST_A_STEP);
}

/** From one step's due time to the next one's. What was skipped takes none of the rate. */
export function waitAfterStepMs(started: number, ratePerSecond: number): number {
  return (started / ratePerSecond) * 1_000;
}

/** Of `matches` in their order, those that a step looks at: up to `most` that can be started. */
export function takeForStep<T extends { readonly canStart: boolean }>(
  matches: readonly T[],
  most: number,
): readonly T[] {
  let left = most;
  const end = matches.findIndex(({ canStart }) => canStart && left-- === 0);
  return end === -1 ? matches : matches.slice(0, end);
}
