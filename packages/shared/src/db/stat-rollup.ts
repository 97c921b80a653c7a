/**
 * Folds the deltas that the triggers of migrations/0004_statistics.sql append into the sums that are
 * read. An optimisation: the numbers are exact without it, because who reads adds what is not folded
 * yet. One worker at a time; a step is one transaction, so that a delta is in its place or in the sums,
 * never in both or neither, whenever the process dies.
 *
 * Sums in which nothing is left are removed. Between two steps a sum may be off in either direction
 * (the removal of a row may be folded before its insertion); with its deltas it is always right.
 */
import { inTransaction, type Queryable, type Sql } from "./client.ts";

// Any constant of ours.
const FOLD_LOCK = 7_268_455_190_115;

/** So many deltas take well under half a second. */
export const DELTAS_A_STEP = 5_000;

/** How many deltas were folded; `limit`, at least, when more may be left. 0, too, while another folds. */
export async function foldStatDeltas(sql: Sql, limit = DELTAS_A_STEP): Promise<number> {
  return inTransaction(sql, async (tx) => {
    const [lock] = await tx<{ isOurs: boolean }[]>`
      select pg_try_advisory_xact_lock(${FOLD_LOCK}) as "isOurs"`;
    return lock?.isOurs === true ? foldOnce(tx, limit) : 0;
  });
}

/**
 * Folds until little is left. For who writes many deltas at once: readers add up whatever is not folded,
 * and half a million of them made a quarter of a second of it.
 */
export async function catchUpWithStats(sql: Sql): Promise<void> {
  let folded: number;
  do {
    folded = await inTransaction(sql, async (tx) => {
      await tx`select pg_advisory_xact_lock(${FOLD_LOCK})`;
      return foldOnce(tx, DELTAS_A_STEP);
    });
  } while (folded >= DELTAS_A_STEP);
}

async function foldOnce(tx: Queryable, limit: number): Promise<number> {
  return Math.max(await foldDeliveryDeltas(tx, limit), await foldLatencyDeltas(tx, limit));
}

/** A delta counts for everything, its client and its endpoint, in its hour and its day. */
function inEveryScope(tx: Queryable) {
  return tx`
    cross join lateral (values ('00000000-0000-0000-0000-000000000000'::uuid), (client_id),
      (endpoint_id)) as scope (scope_id)`;
}

function inEveryGrain(tx: Queryable) {
  return tx`
    cross join lateral (values ('hour', hour), ('day', date_trunc('day', hour, 'UTC')))
      as span (grain, starts_at)`;
}

async function foldDeliveryDeltas(tx: Queryable, limit: number): Promise<number> {
  const [row] = await tx<{ taken: number }[]>`
    with taken as (
      delete from delivery_stat_deltas
      where ctid = any (array(select ctid from delivery_stat_deltas limit ${limit}))
      returning *
    ), added as (
      select scope_id, grain, starts_at, event_type, sum(total) as total, sum(success) as success,
        sum(failed) as failed, sum(cancelled) as cancelled, sum(retries) as retries
      from taken ${inEveryScope(tx)} ${inEveryGrain(tx)}
      where scope_id is not null
      group by 1, 2, 3, 4
    ), summed as (
      select scope_id, grain, starts_at, event_type,
        added.total + coalesce(old.total, 0) as total,
        added.success + coalesce(old.success, 0) as success,
        added.failed + coalesce(old.failed, 0) as failed,
        added.cancelled + coalesce(old.cancelled, 0) as cancelled,
        added.retries + coalesce(old.retries, 0) as retries
      from added left join delivery_stats as old using (scope_id, grain, starts_at, event_type)
    ), removed as (
      delete from delivery_stats as old using summed
      where (old.scope_id, old.grain, old.starts_at, old.event_type)
          = (summed.scope_id, summed.grain, summed.starts_at, summed.event_type)
        and (summed.total, summed.success, summed.failed, summed.cancelled, summed.retries)
          = (0, 0, 0, 0, 0)
    ), kept as (
      insert into delivery_stats
      select * from summed where (total, success, failed, cancelled, retries) <> (0, 0, 0, 0, 0)
      on conflict (scope_id, grain, starts_at, event_type) do update
      set total = excluded.total, success = excluded.success, failed = excluded.failed,
          cancelled = excluded.cancelled, retries = excluded.retries
    ), all_time as (
      insert into delivery_totals as totals
      select scope_id, sum(total), sum(success), sum(failed), sum(cancelled)
      from added where grain = 'day' group by 1
      on conflict (scope_id) do update
      set total = totals.total + excluded.total, success = totals.success + excluded.success,
          failed = totals.failed + excluded.failed,
          cancelled = totals.cancelled + excluded.cancelled
    )
    select count(*)::int as taken from taken`;
  return row?.taken ?? 0;
}

async function foldLatencyDeltas(tx: Queryable, limit: number): Promise<number> {
  const [row] = await tx<{ taken: number }[]>`
    with taken as (
      delete from attempt_latency_deltas
      where ctid = any (array(select ctid from attempt_latency_deltas limit ${limit}))
      returning *
    ), added as (
      select scope_id, grain, starts_at, bucket, sum(count) as count
      from taken ${inEveryScope(tx)} ${inEveryGrain(tx)}
      where scope_id is not null
      group by 1, 2, 3, 4
    ), touched as (
      select distinct scope_id, grain, starts_at from added
    ), summed as (
      select scope_id, grain, starts_at, bucket, sum(count) as count from (
        select * from added
        union all
        select scope_id, grain, starts_at, old.bucket, old.count
        from touched join attempt_latency using (scope_id, grain, starts_at)
          cross join lateral unnest(buckets, counts) as old (bucket, count)
      ) as counts
      group by 1, 2, 3, 4 having sum(count) <> 0
    ), histogram as (
      select scope_id, grain, starts_at, array_agg(bucket order by bucket) as buckets,
        array_agg(count::int order by bucket) as counts
      from summed group by 1, 2, 3
    ), removed as (
      delete from attempt_latency as old using touched
      where (old.scope_id, old.grain, old.starts_at)
          = (touched.scope_id, touched.grain, touched.starts_at)
        and not exists (
          select from histogram
          where (histogram.scope_id, histogram.grain, histogram.starts_at)
              = (touched.scope_id, touched.grain, touched.starts_at))
    ), kept as (
      insert into attempt_latency
      select * from histogram
      on conflict (scope_id, grain, starts_at) do update
      set buckets = excluded.buckets, counts = excluded.counts
    )
    select count(*)::int as taken from taken`;
  return row?.taken ?? 0;
}
