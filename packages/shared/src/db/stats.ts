/**
 * Statistics. Counts come from sums that triggers and a worker keep (migrations/0004_statistics.sql,
 * stat-rollup.ts) and agree exactly with a count over the rows: what is not summed yet is added in the
 * same statement, so both are of one moment.
 */
import { DELIVERY_STATUSES, type DeliveryStatus } from "../core/delivery.ts";
import { attemptLatencyMs, attemptsPerSecond } from "./attempt-stats.ts";
import { uuidArray, type Queryable, type Sql } from "./client.ts";
import {
  EVERYTHING,
  isInScope,
  isInWindow,
  scopeId,
  type StatScope,
  type StatWindow,
} from "./stat-scope.ts";

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;

/** What `GET …/stats` answers, without its `status`. `days` back from now, from a full hour on. */
export async function readStats(
  sql: Sql,
  { days, ...scope }: StatScope & { readonly days: number },
  now = new Date(),
) {
  const since = startOfHour(new Date(now.getTime() - days * MS_PER_DAY));
  const [unfinished, deliveries, latencyMs, jobsPerSecond] = await Promise.all([
    countUnfinished(sql, scope),
    countDeliveriesSince(sql, { ...scope, since }),
    attemptLatencyMs(sql, { ...scope, since }),
    attemptsPerSecond(sql, scope),
  ]);
  const { waiting, active, delayed, oldestWaitingMs, oldestAgeMs } = unfinished;
  const { success, failed } = deliveries.byStatus;
  const total = Object.values(deliveries.byStatus).reduce((sum, count) => sum + count, 0);
  return {
    days,
    since: since.toISOString(),
    // Read from the rows, which are the truth: the queue itself holds about a second of work.
    queue: { waiting, active, delayed, paused: 0, oldestWaitingMs },
    deliveries: { ...deliveries.byStatus, total },
    jobsPerSecond,
    successRate: success + failed === 0 ? null : success / (success + failed),
    averageRetries: deliveries.averageRetries,
    failed,
    latencyMs,
    topEvents: [...deliveries.topEvents],
    undelivered: { count: waiting + active + delayed, oldestAgeMs },
  };
}

export function startOfHour(at: Date): Date {
  return new Date(Math.floor(at.getTime() / MS_PER_HOUR) * MS_PER_HOUR);
}

export interface Unfinished {
  /** Pending and due. */
  readonly waiting: number;
  /** An attempt is in flight. */
  readonly active: number;
  /** Pending, due later or behind another one in the line of an ordered endpoint. */
  readonly delayed: number;
  /** How long the longest-due delivery has been waiting. */
  readonly oldestWaitingMs: number | null;
  /** Age of the oldest delivery that was accepted and is not finished. */
  readonly oldestAgeMs: number | null;
}

/** What is accepted and not finished, now and whenever it was accepted. */
export async function countUnfinished(
  sql: Queryable,
  scope: StatScope = EVERYTHING,
): Promise<Unfinished> {
  const inScope = isInScope(sql, scope);
  const [row] = await sql<Unfinished[]>`
    select waiting, active, (unfinished - active - waiting)::int as delayed,
      (extract(epoch from now() - nullif(longest_due_at, '-infinity')) * 1000)::float8 as "oldestWaitingMs",
      (extract(epoch from now() - oldest_at) * 1000)::float8 as "oldestAgeMs"
    from (
      select coalesce(sum(total - success - failed - cancelled), 0) as unfinished from (
        select total, success, failed, cancelled from delivery_totals
        where scope_id = ${scopeId(scope)}
        union all
        select total, success, failed, cancelled from delivery_stat_deltas where ${inScope}
      ) as counts
    ) as accepted, (
      select count(*)::int as waiting, min(next_retry_at) as longest_due_at from webhook_deliveries
      where status = 'pending' and not held and next_retry_at <= now() and ${inScope}
    ) as due, (
      select count(*)::int as active from webhook_deliveries where status = 'sent' and ${inScope}
    ) as in_flight, (
      select (
        select created_at from webhook_deliveries
        where status in ('pending', 'sent') and ${inScope} order by id limit 1
      ) as oldest_at
    ) as oldest`;
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}

export interface DeliveryStats {
  readonly byStatus: Readonly<Record<DeliveryStatus, number>>;
  /** Retries of finished deliveries: attempts in the last round beyond the first. */
  readonly averageRetries: number | null;
  readonly topEvents: readonly {
    readonly eventType: string;
    readonly total: number;
    readonly success: number;
    readonly failed: number;
  }[];
}

const TOP_EVENTS = 10;

interface EventCounts {
  readonly eventType: string;
  readonly total: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retries: number;
  /** Of all event types. */
  readonly sent: number;
}

/** Of the deliveries accepted in the window. */
export async function countDeliveriesSince(sql: Sql, window: StatWindow): Promise<DeliveryStats> {
  const rows = await sql<EventCounts[]>`
    with counts as (
      select event_type, total, success, failed, cancelled, retries
      from delivery_stats where ${isInWindow(sql, window)}
      union all
      select event_type, total, success, failed, cancelled, retries
      from delivery_stat_deltas where hour >= ${window.since} and ${isInScope(sql, window)}
    )
    select event_type as "eventType", sum(total)::float8 as total, sum(success)::float8 as success,
      sum(failed)::float8 as failed, sum(cancelled)::float8 as cancelled,
      sum(retries)::float8 as retries,
      (select count(*)::int from webhook_deliveries
       where status = 'sent' and created_at >= ${window.since} and ${isInScope(sql, window)}) as sent
    from counts group by event_type having sum(total) <> 0`;
  const byStatus = Object.fromEntries(DELIVERY_STATUSES.map((status) => [status, 0])) as Record<
    DeliveryStatus,
    number
  >;
  let retries = 0;
  for (const row of rows) {
    byStatus.success += row.success;
    byStatus.failed += row.failed;
    byStatus.cancelled += row.cancelled;
    byStatus.pending += row.total - row.success - row.failed - row.cancelled;
    retries += row.retries;
  }
  byStatus.sent = rows[0]?.sent ?? 0;
  byStatus.pending -= byStatus.sent;
  const finished = byStatus.success + byStatus.failed;
  return {
    byStatus,
    averageRetries: finished === 0 ? null : retries / finished,
    topEvents: rows
      .map(({ eventType, total, success, failed }) => ({ eventType, total, success, failed }))
      .sort((a, b) => b.total - a.total || a.eventType.localeCompare(b.eventType))
      .slice(0, TOP_EVENTS),
  };
}

export interface Totals {
  readonly total: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** All that these endpoints ever got and that is still kept; every id has an entry. */
export async function endpointTotals(
  sql: Queryable,
  endpointIds: readonly string[],
): Promise<Map<string, Totals>> {
  const ids = sql`any(${uuidArray(endpointIds)}::text::uuid[])`;
  const rows = await sql<(Totals & { id: string })[]>`
    select id, sum(total)::float8 as total, sum(success)::float8 as success,
      sum(failed)::float8 as failed, sum(cancelled)::float8 as cancelled
    from (
      select scope_id as id, total, success, failed, cancelled from delivery_totals
      where scope_id = ${ids}
      union all
      select endpoint_id, total, success, failed, cancelled from delivery_stat_deltas
      where endpoint_id = ${ids}
    ) as counts group by id`;
  const found = new Map(rows.map(({ id, ...totals }) => [id, totals]));
  return new Map(endpointIds.map((id) => [id, found.get(id) ?? NOTHING]));
}

const NOTHING: Totals = { total: 0, success: 0, failed: 0, cancelled: 0 };
