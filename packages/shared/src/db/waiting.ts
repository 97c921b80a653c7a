/**
 * What waits, for the scheduler: destination by destination through an index, so that a backlog of any
 * size costs one short look at its destination, and hides no other's.
 */
import { destinationColumns, type DestinationColumns } from "./destinations.ts";
import type { Queryable } from "./client.ts";
import type { Shard } from "./scheduling.ts";
import { ended } from "./transitions.ts";
import { ENDPOINT_DELETED, ENDPOINT_DISABLED } from "./deliveries.ts";

export interface WaitingDestination extends DestinationColumns {
  readonly destination: string;
  /** Null: it is a plain URL, or an endpoint that is gone. */
  readonly endpointId: string | null;
  readonly clientId: string | null;
  /** Its endpoint is disabled or gone. */
  readonly isEnded: boolean;
  /** Due within the horizon and not leased; counted up to `countedUpTo`. */
  readonly due: number;
  readonly countedUpTo: number;
  /** The same, due or not. */
  readonly waiting: number;
  readonly oldestDueMs: number;
  readonly limitPerSecond: number | null;
  readonly maxInFlight: number | null;
  readonly releasedAtMs: number | null;
}

export interface Walk {
  /** Only destinations after this one, in the order of their keys. */
  readonly after: string;
  /** Destinations looked at. */
  readonly limit: number;
  /** Of each that is not well; of the others a few. */
  readonly countUpTo: number;
  readonly horizonMs: number;
  readonly shard: Shard;
}

const A_FEW = 4;

export interface Walked {
  readonly found: WaitingDestination[];
  /** Where to go on; null: there is no destination after these. */
  readonly next: string | null;
  /** Until something more is due; null: nothing else waits here for its time. */
  readonly nextDueInMs: number | null;
}

/**
 * One index probe for each destination with something waiting; the rest only for those with something
 * due.
 */
export async function walkDestinations(
  sql: Queryable,
  { after, limit, countUpTo, horizonMs, shard }: Walk,
): Promise<Walked> {
  type Row = WaitingDestination & Omit<Walked, "found"> & { readonly dueLaterInMs: number | null };
  const rows = await sql<Row[]>`
    with recursive walk as (
      (select destination, next_retry_at, 1 as step from webhook_deliveries
       where ${waits(sql)} and destination > ${after} order by destination, next_retry_at limit 1)
      union all
      select following.destination, following.next_retry_at, step + 1
      from walk, lateral (
        select delivery.destination, delivery.next_retry_at from webhook_deliveries as delivery
        where ${waits(sql)} and delivery.destination > walk.destination
        order by delivery.destination, delivery.next_retry_at limit 1
      ) as following
      where step < ${limit}
    ), summary as (
      select max(destination) filter (where step = ${limit}) as next,
        ${msUntil(sql, sql`min(next_retry_at) filter (where not ${isDue(sql, horizonMs)})`)}
          as "nextDueInMs"
      from walk
    )
    select summary.*, walk.destination, looked_at.*, endpoint.id as "endpointId",
      walk.destination ~ ${ENDPOINT_KEY} and endpoint.enabled is not true as "isEnded",
      endpoint.rate_limit_per_second as "limitPerSecond",
      endpoint.max_in_flight as "maxInFlight",
      (extract(epoch from released_at) * 1000)::float8 as "releasedAtMs",
      ${destinationColumns(sql)}
    from summary
    left join walk on ${isDue(sql, horizonMs)} and ${isInShard(sql, shard)}
    left join destinations as destination on destination.key = walk.destination
    left join webhook_endpoints as endpoint on endpoint.id =
      case when walk.destination ~ ${ENDPOINT_KEY} then walk.destination::uuid end
    cross join lateral (
      -- How much waits matters only where something is wrong.
      select case when state = 'closed' and failures_in_a_row = 0 then ${A_FEW}::int
        else ${countUpTo}::int end as up_to
    ) as counted
    cross join lateral (
      select counted.up_to as "countedUpTo", count(*)::int as waiting,
        count(*) filter (where ${isDue(sql, horizonMs)})::int as due,
        (extract(epoch from min(next_retry_at)) * 1000)::float8 as "oldestDueMs",
        ${msUntil(sql, sql`min(next_retry_at) filter (where not ${isDue(sql, horizonMs)})`)}
          as "dueLaterInMs",
        (array_agg(client_id))[1] as "clientId"
      from (
        select next_retry_at, client_id from webhook_deliveries
        where ${waits(sql)} and destination = walk.destination and ${isNotLeased(sql)}
        order by next_retry_at limit counted.up_to
      ) as some_of_them
    ) as looked_at
    order by walk.step`;
  const [first] = rows;
  const waitsMs = rows.flatMap(({ nextDueInMs, dueLaterInMs }) => [
    ...(nextDueInMs === null ? [] : [nextDueInMs]),
    ...(dueLaterInMs === null ? [] : [dueLaterInMs]),
  ]);
  return {
    found: rows.filter(({ due }) => due > 0),
    next: first?.next ?? null,
    nextDueInMs: waitsMs.length === 0 ? null : Math.min(...waitsMs),
  };
}

function msUntil(sql: Queryable, instant: ReturnType<typeof waits>) {
  return sql`(extract(epoch from ${instant} - now()) * 1000)::float8`;
}

export interface EndedDelivery {
  readonly id: string;
  readonly status: "failed" | "cancelled";
}

/**
 * Ends those that are due of endpoints that are disabled (failed) or gone (cancelled), up to `limit` of each
 * endpoint.
 */
export async function endWaitingOf(
  sql: Queryable,
  endpointIds: readonly string[],
  limit: number,
): Promise<EndedDelivery[]> {
  const end = (status: EndedDelivery["status"], lastError: string, errorType: string | null) =>
    sql<EndedDelivery[]>`
      update webhook_deliveries
      set ${ended(sql, status)}, last_error = ${lastError}, error_type = ${errorType}
      where status = 'pending' and id = any (array(
        select delivery.id
        from jsonb_array_elements_text(${JSON.stringify(endpointIds)}::text::jsonb) as given (key),
          lateral (
            select id from webhook_deliveries
            where ${waits(sql)} and destination = given.key and ${isDue(sql, 0)}
            order by next_retry_at limit ${limit} for update skip locked
          ) as delivery
        where ${status === "cancelled"} = not exists (
          select from webhook_endpoints as endpoint where endpoint.id = given.key::uuid)))
      returning id, status`;
  return [
    ...(await end("failed", ENDPOINT_DISABLED, "endpoint_disabled")),
    ...(await end("cancelled", ENDPOINT_DELETED, null)),
  ];
}

/** Of those keys that are no URL. */
const ENDPOINT_KEY = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

function isInShard(sql: Queryable, { index, count }: Shard) {
  return count === 1
    ? sql`true`
    : sql`(hashtext(walk.destination) & 2147483647) % ${count} = ${index}`;
}

/** Pending, not held and no test: what the scheduler deals with destination by destination. */
export function waits(sql: Queryable) {
  return sql`status = 'pending' and not held and not is_test_delivery`;
}

export function isDue(sql: Queryable, horizonMs: number) {
  return sql`next_retry_at <= now() + ${horizonMs} * interval '1 millisecond'`;
}

/** Of the row of webhook_deliveries that the query around it looks at. */
export function isNotLeased(sql: Queryable) {
  return sql`not exists (
    select from delivery_leases where delivery_leases.delivery_id = webhook_deliveries.id)`;
}
