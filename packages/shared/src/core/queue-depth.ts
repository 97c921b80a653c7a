/**
 * How many jobs the queue should hold. PostgreSQL keeps the backlog; the queue holds about a second
 * of work, so that a flush loses little, a new delivery overtakes an old backlog, and a backlog of any
 * size costs the queue nothing.
 */

/** Without a rate limit: some tenths of a second at full speed, refilled every few hundredths. */
const UNLIMITED_TARGET = 500;
const SMALLEST_TARGET = 10;

/** What the worker's sweep fills the queue up to. */
export function queueTarget(rateLimitPerSecond: number): number {
  if (rateLimitPerSecond === 0) return UNLIMITED_TARGET;
  return Math.max(SMALLEST_TARGET, Math.ceil(rateLimitPerSecond));
}

/**
 * Below this, ingest queues a new delivery itself. Above the sweep's target, so that new deliveries
 * get in while a backlog keeps the queue at its target.
 */
export function directLimit(rateLimitPerSecond: number): number {
  return 2 * queueTarget(rateLimitPerSecond);
}

/**
 * How many due deliveries one sweep may add at this depth: up to the target, and a small share even
 * when new deliveries alone keep the queue above it, or retries would starve.
 */
export function sweepRoom(depth: number, target: number): number {
  if (depth >= 4 * target) return 0;
  return Math.max(target - depth, Math.ceil(target / 5));
}
