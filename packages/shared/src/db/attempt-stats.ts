/** How long attempts took, and how many there are just now. */
import { percentileMs, type BucketCount } from "../core/latency-buckets.ts";
import type { Queryable, Sql } from "./client.ts";
import { EVERYTHING, isInScope, isInWindow, type StatWindow } from "./stat-scope.ts";

export interface AttemptStats {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Percentiles of the duration of attempts that a receiver had a part in, at most 5 % off. */
export async function attemptLatencyMs(sql: Sql, window: StatWindow): Promise<AttemptStats> {
  const counts = await sql<BucketCount[]>`
    select bucket, sum(count)::float8 as count from (
      select histogram.bucket, histogram.count
      from attempt_latency
        cross join lateral unnest(buckets, counts) as histogram (bucket, count)
      where ${isInWindow(sql, window)}
      union all
      select bucket, count from attempt_latency_deltas
      where hour >= ${window.since} and ${isInScope(sql, window)}
    ) as counts
    group by bucket having sum(count) <> 0 order by bucket`;
  return {
    p50: percentileMs(counts, 0.5),
    p95: percentileMs(counts, 0.95),
    p99: percentileMs(counts, 0.99),
  };
}

const THROUGHPUT_WINDOW_SECONDS = 60;

/** Attempts per second over the last minute. */
export async function attemptsPerSecond(sql: Queryable, scope = EVERYTHING): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from webhook_delivery_logs
    where attempted_at > now() - ${THROUGHPUT_WINDOW_SECONDS} * interval '1 second'
      and ${isInScope(sql, scope)}`;
  return (row?.count ?? 0) / THROUGHPUT_WINDOW_SECONDS;
}
