/**
 * Whether a call that failed is tried again, and after how long. Pure: time and chance come as arguments.
 *
 * What might have been done already is repeated only where doing it twice is the same as once. A refusal
 * for going too fast, or no connection at all, means that nothing was done: anything may be repeated then.
 */

export interface Failure {
  /** Null: there was no answer. */
  readonly status: number | null;
  /** Nothing can have reached the service. */
  readonly wasNeverSent: boolean;
  /** What the service asked for; null: nothing. */
  readonly retryAfterMs: number | null;
}

export interface Tries {
  readonly made: number;
  readonly maxRetries: number;
  /** Doing it twice is the same as doing it once. */
  readonly isRepeatable: boolean;
}

const TOO_MANY_REQUESTS = 429;
/** Of the service while its database is away, or of a proxy before it. */
const TEMPORARY: ReadonlySet<number> = new Set([502, 503, 504]);
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
/** Who is asked to wait longer gets the answer at once: asking sooner would be against the wish. */
const LONGEST_RETRY_AFTER_MS = 30_000;

/** Milliseconds to wait; undefined: it is over. `random` is in [0, 1). */
export function waitBeforeRetry(
  failure: Failure,
  tries: Tries,
  random: number,
): number | undefined {
  const { status, retryAfterMs } = failure;
  if (tries.made > tries.maxRetries) return undefined;
  const isTemporary = status === null || TEMPORARY.has(status);
  if (!wasNotDone(failure) && !(isTemporary && tries.isRepeatable)) return undefined;
  const asked = retryAfterMs ?? 0;
  if (asked > LONGEST_RETRY_AFTER_MS) return undefined;
  return asked + backoffMs(tries.made, random);
}

/** The service surely did nothing. */
export function wasNotDone({ status, wasNeverSent }: Failure): boolean {
  return wasNeverSent || status === TOO_MANY_REQUESTS;
}

/** Exponential with full jitter, so that those who failed together do not come back together. */
export function backoffMs(triesMade: number, random: number): number {
  return random * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (triesMade - 1));
}

/** RFC 9110 §10.2.3: seconds, or a date. Null: there is none that can be read. */
export function parseRetryAfterMs(value: string | null, nowMs: number): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const atMs = text.endsWith("GMT") ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
