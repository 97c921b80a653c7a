/**
 * Reservations of the sliding-window rate limiter (table `delivery_pace`): when the next delivery may start,
 * one row for all of them and one for each endpoint that has a rate of its own.
 */
import type { RateWindow } from "../core/rate-window.ts";
import type { Queryable } from "./client.ts";

export interface StartReservation {
  /** When the delivery may start, in milliseconds on the database's clock. */
  readonly startsAtMs: number;
  /** That clock when it was reserved. */
  readonly takenAtMs: number;
}

/** Not now; when to ask again. */
export interface NoReservation {
  readonly readyAtMs: number;
  readonly takenAtMs: number;
}

/**
 * Reserves the next free start, over all workers: evenly after those before, or up to BURST of them at once
 * after a while without.
 */
export async function reserveStart(sql: Queryable, rate: RateWindow): Promise<StartReservation> {
  const [place] = await sql<StartReservation[]>`
    ${nextPlace(sql, rate)}
    returning (extract(epoch from starts[cardinality(starts)]) * 1000)::float8 as "startsAtMs",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "takenAtMs"`;
  if (place === undefined) throw new Error("a reservation returned no row");
  return place;
}

/**
 * Starts at once, beside the places that are taken one after the other; not if that left less than the
 * reserve in the present window, so that those never wait for it.
 */
export async function reserveIdleStart(
  sql: Queryable,
  rate: RateWindow,
): Promise<StartReservation | undefined> {
  const { starts, reserve } = rate;
  const [place] = await sql<StartReservation[]>`
    update delivery_pace as pace set starts = (
      select array_agg(at order by at) from unnest(pace.${latest(sql, starts - 1)} || clock_timestamp()) as at
    )
    where name = 'deliveries' and coalesce(
      starts[cardinality(starts) - ${starts - 1 - reserve}::int] + ${interval(sql, rate.windowMs)}
        <= clock_timestamp(), true)
    returning (extract(epoch from clock_timestamp()) * 1000)::float8 as "startsAtMs",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "takenAtMs"`;
  return place;
}

/** The database keeps microseconds; what is nearer than this is the same instant. */
const SAME_INSTANT_MS = 0.01;

/**
 * Moves a reservation to now, for a worker that woke up too late for it: the starts after it then keep their
 * distance from when it really began. Undefined: so many starts were reserved since that others already
 * count on its time.
 */
export async function moveStartToNow(
  sql: Queryable,
  rate: RateWindow,
  { startsAtMs }: StartReservation,
): Promise<StartReservation | undefined> {
  const isThis = sql`abs(extract(epoch from at) * 1000 - ${startsAtMs}) < ${SAME_INSTANT_MS}`;
  const [moved] = await sql<StartReservation[]>`
    with clock as (select clock_timestamp() as now)
    update delivery_pace as pace set starts = (
      select array_agg(at order by at) from (
        select case when ${isThis} then clock.now else at end as at
        from unnest(pace.${latest(sql, rate.starts)}) as at
      ) as moved
    )
    from clock
    where name = 'deliveries' and exists (
      select from unnest(pace.${latest(sql, rate.starts)}) as at where ${isThis})
    returning (extract(epoch from clock.now) * 1000)::float8 as "startsAtMs",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "takenAtMs"`;
  return moved;
}

export interface EndpointRate {
  /** The endpoint's id. */
  readonly name: string;
  readonly spacingMs: number;
}

/** Somebody else may reserve what was free a moment ago, so it is asked for this much early. */
const READY_WITHIN_MS = 2;

/**
 * A start that keeps two rates: the common one (null: there is none) and its endpoint's, which counts from
 * when the delivery starts. Nothing is reserved of either before both allow it.
 */
export async function reserveEndpointStart(
  sql: Queryable,
  own: EndpointRate,
  commonRate: RateWindow | null,
): Promise<StartReservation | NoReservation> {
  await sql`
    insert into delivery_pace (name, next_start_at) values (${own.name}, clock_timestamp())
    on conflict do nothing`;
  const common =
    commonRate === null
      ? sql`select clock_timestamp() as starts_at from ready`
      : sql`${nextPlace(sql, commonRate, sql`select from ready`)}
          returning starts[cardinality(starts)] as starts_at`;
  const [row] = await sql<{ startsAtMs: number | null; readyAtMs: number; takenAtMs: number }[]>`
    with ready as (
      select name from delivery_pace
      where name = ${own.name}
        and next_start_at <= clock_timestamp() + ${interval(sql, READY_WITHIN_MS)}
      for update
    ), common as (${common}), taken as (
      update delivery_pace set next_start_at =
        greatest(next_start_at, common.starts_at) + ${interval(sql, own.spacingMs)}
      from ready, common where delivery_pace.name = ready.name
      returning (extract(epoch from delivery_pace.next_start_at) * 1000 - ${own.spacingMs})::float8
        as starts_at_ms
    )
    select (select starts_at_ms from taken) as "startsAtMs",
      (extract(epoch from next_start_at) * 1000)::float8 as "readyAtMs",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "takenAtMs"
    from delivery_pace where name = ${own.name}`;
  if (row === undefined) throw new Error("a pace has no row");
  const { startsAtMs, readyAtMs, takenAtMs } = row;
  return startsAtMs === null ? { readyAtMs, takenAtMs } : { startsAtMs, takenAtMs };
}

/** So that who starts seldom does not wait for who started just before. */
const BURST = 4;

function nextPlace(
  sql: Queryable,
  { starts, windowMs, spacingMs }: RateWindow,
  onlyIf = sql`select`,
) {
  return sql`
    insert into delivery_pace as pace (name, next_start_at, starts)
    select 'deliveries', place + ${interval(sql, spacingMs)}, array[place]
    from (select clock_timestamp() as place) as first
    where exists (${onlyIf})
    on conflict (name) do update set (next_start_at, starts) = (
      select greatest(pace.next_start_at, place) + ${interval(sql, spacingMs)}, pace.${latest(sql, starts - 1)} || place
      from (select greatest(clock_timestamp(),
        pace.next_start_at - ${interval(sql, BURST * spacingMs)},
        pace.starts[cardinality(pace.starts) - ${starts - 1}::int] + ${interval(sql, windowMs)}) as place
      ) as next
    )`;
}

/** Of the starts, the last so many. */
function latest(sql: Queryable, count: number) {
  return sql`starts[greatest(1, cardinality(pace.starts) - ${count - 1}::int):]`;
}

function interval(sql: Queryable, ms: number) {
  return sql`${ms} * interval '1 millisecond'`;
}
