/** Statistics, counted over the rows themselves. */
import { DELIVERY_STATUSES, type DeliveryStatus } from "../core/delivery.ts";
import { smallestIdAt } from "../core/ids.ts";
import type { Queryable, Sql } from "./client.ts";

export interface StatsScope {
  /** Deliveries accepted at or after this. */
  readonly since: Date;
  readonly endpointId: string | undefined;
}

export interface Unfinished {
  /** Pending and due. */
  readonly waiting: number;
  /** An attempt is in flight. */
  readonly active: number;
  /** Pending, due later. */
  readonly delayed: number;
  /** How long the longest-due delivery has been waiting. */
  readonly oldestWaitingMs: number | null;
  /** Age of the oldest delivery that was accepted and is not finished. */
  readonly oldestAgeMs: number | null;
}

/** What is accepted and not finished, now and whenever it was accepted. */
export async function countUnfinished(
  sql: Queryable,
  endpointId: string | undefined,
): Promise<Unfinished> {
  const [row] = await sql<Unfinished[]>`
    select
      count(*) filter (where status = 'pending' and next_retry_at <= now())::int as waiting,
      count(*) filter (where status = 'sent')::int as active,
      count(*) filter (where status = 'pending' and next_retry_at > now())::int as delayed,
      (extract(epoch from now() - min(next_retry_at) filter (where next_retry_at <= now())) * 1000)
        ::float8 as "oldestWaitingMs",
      (extract(epoch from now() - min(created_at)) * 1000)::float8 as "oldestAgeMs"
    from webhook_deliveries
    where status in ('pending', 'sent') ${ofEndpoint(sql, endpointId)}`;
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

export async function countDeliveriesSince(sql: Sql, scope: StatsScope): Promise<DeliveryStats> {
  const rows = await sql<
    { eventType: string; status: DeliveryStatus; count: number; retries: number }[]
  >`
    select event_type as "eventType", status, count(*)::int as count,
      sum(greatest(attempt - attempts_before_round - 1, 0))::int as retries
    from webhook_deliveries
    where id >= ${smallestIdAt(scope.since)} ${ofEndpoint(sql, scope.endpointId)}
    group by 1, 2`;
  const byStatus = Object.fromEntries(DELIVERY_STATUSES.map((status) => [status, 0])) as Record<
    DeliveryStatus,
    number
  >;
  const byEvent = new Map<string, { total: number; success: number; failed: number }>();
  let retries = 0;
  for (const row of rows) {
    byStatus[row.status] += row.count;
    if (row.status === "success" || row.status === "failed") retries += row.retries;
    const event = byEvent.get(row.eventType) ?? { total: 0, success: 0, failed: 0 };
    event.total += row.count;
    if (row.status === "success" || row.status === "failed") event[row.status] += row.count;
    byEvent.set(row.eventType, event);
  }
  const finished = byStatus.success + byStatus.failed;
  return {
    byStatus,
    averageRetries: finished === 0 ? null : retries / finished,
    topEvents: [...byEvent]
      .map(([eventType, { total, success, failed }]) => ({ eventType, total, success, failed }))
      .sort((a, b) => b.total - a.total || a.eventType.localeCompare(b.eventType))
      .slice(0, TOP_EVENTS),
  };
}

export interface AttemptStats {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Percentiles of the duration of attempts that a receiver had a part in, in milliseconds. */
export async function attemptLatencyMs(sql: Sql, scope: StatsScope): Promise<AttemptStats> {
  const ofDelivery =
    scope.endpointId === undefined
      ? sql``
      : sql`and exists (select from webhook_deliveries
                        where id = delivery_id and endpoint_id = ${scope.endpointId})`;
  const [row] = await sql<AttemptStats[]>`
    select percentiles[1] as p50, percentiles[2] as p95, percentiles[3] as p99
    from (
      select percentile_cont(array[0.5, 0.95, 0.99]) within group (order by duration_ms)
        as percentiles
      from webhook_delivery_logs
      where attempted_at >= ${scope.since}
        and (error_type is null or error_type in ('http', 'network', 'timeout')) ${ofDelivery}
    ) as attempts`;
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}

const THROUGHPUT_WINDOW_SECONDS = 60;

/** Attempts per second over the last minute. */
export async function attemptsPerSecond(sql: Queryable): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from webhook_delivery_logs
    where attempted_at > now() - ${THROUGHPUT_WINDOW_SECONDS} * interval '1 second'`;
  return (row?.count ?? 0) / THROUGHPUT_WINDOW_SECONDS;
}

function ofEndpoint(sql: Queryable, endpointId: string | undefined) {
  return endpointId === undefined ? sql`` : sql`and endpoint_id = ${endpointId}`;
}
