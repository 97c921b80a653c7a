/**
 * The histogram in which durations of attempts are counted: every millisecond has its own bucket up to
 * EXACT_UP_TO_MS, after that a bucket's largest duration is at most 5 % above its smallest. A percentile
 * read from it is the middle of the bucket that holds the exact one.
 *
 * The database sorts durations into the same buckets (`latency_bucket` in
 * migrations/0004_statistics.sql); a test holds both against each other.
 */
export const EXACT_UP_TO_MS = 50;
/** Longer than any attempt may take; what takes longer still is counted as this. */
export const LONGEST_MS = 600_000;
const WIDEST = 1.05;

/** The shortest duration of every bucket, ascending; bucket 1 is the first. */
export const BUCKET_STARTS_MS: readonly number[] = bucketStarts();

function bucketStarts(): number[] {
  const starts = Array.from({ length: EXACT_UP_TO_MS + 1 }, (_, ms) => ms);
  for (let start = EXACT_UP_TO_MS + 1; start < LONGEST_MS; start = endOf(start)) starts.push(start);
  return [...starts, LONGEST_MS];
}

/** Where the bucket that starts there ends, exclusive. */
function endOf(startMs: number): number {
  return Math.floor(startMs * WIDEST) + 1;
}

export interface BucketCount {
  readonly bucket: number;
  readonly count: number;
}

/** `counts` by ascending bucket. Null when nothing was counted. */
export function percentileMs(counts: readonly BucketCount[], fraction: number): number | null {
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(fraction * total));
  let seen = 0;
  for (const { bucket, count } of counts) {
    seen += count;
    if (seen >= rank) return middleMs(bucket);
  }
  return null;
}

function middleMs(bucket: number): number {
  const start = BUCKET_STARTS_MS[bucket - 1];
  if (start === undefined) throw new RangeError(`there is no bucket ${bucket}`);
  const next = BUCKET_STARTS_MS[bucket];
  return next === undefined ? start : (start + next - 1) / 2;
}
