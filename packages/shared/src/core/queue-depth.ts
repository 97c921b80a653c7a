/**
 * How many jobs the main lane should hold. PostgreSQL keeps the backlog; the queue holds less than a
 * second of work, so that a flush loses little, a new delivery overtakes an old backlog, and a backlog of
 * any size costs the queue nothing.
 */

/** Without a rate limit: some tenths of a second at full speed, refilled every few hundredths. */
const UNLIMITED_TARGET = 500;
const SMALLEST_TARGET = 10;
const SECONDS_OF_WORK = 0.3;

/** In the queue and in flight, what the sweeps fill it up to. */
export function queueTarget(rateLimitPerSecond: number): number {
  if (rateLimitPerSecond === 0) return UNLIMITED_TARGET;
  return Math.max(SMALLEST_TARGET, Math.ceil(rateLimitPerSecond * SECONDS_OF_WORK));
}

/** First looks at new destinations, waiting for their turn or under way: about a second of starts. */
export function firstLooksTarget(rateLimitPerSecond: number): number {
  if (rateLimitPerSecond === 0) return UNLIMITED_FIRST_LOOKS;
  return Math.max(SMALLEST_TARGET, Math.ceil(rateLimitPerSecond));
}

const UNLIMITED_FIRST_LOOKS = 200;

/** What ingest may add at once, past the sweep. */
export interface DirectRoom {
  /** Anybody's, while fewer than this wait in the queue: the sweep always finds room for a fair deal. */
  readonly shared: number;
  /** Above that and up to this only who had few lately, so that nobody waits behind a flood. */
  readonly most: number;
  /** How many in `DIRECT_WINDOW_MS` are few. */
  readonly few: number;
}

export const DIRECT_WINDOW_MS = 2_000;

export function directRoom(rateLimitPerSecond: number): DirectRoom {
  const target = queueTarget(rateLimitPerSecond);
  return {
    shared: Math.ceil(target / 2),
    most: Math.ceil(target * 1.5),
    few: Math.ceil(target / 2),
  };
}
