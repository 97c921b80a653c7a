/**
 * A scheduler's round: read what is outstanding, walk over what waits (waiting.ts), grant leases.
 *
 * Optimistic concurrency control: every shard has a row with a version. A grant counts only if the version is
 * still the one that the round began with, and raises it; a revocation raises it too (leases.ts). So no two
 * rounds grant the same capacity, and none grants what was revoked after it looked. Who granted last leads for
 * a second, so that the other workers do not look in vain. No lock is held between statements.
 */
import type { PermitKind } from "../core/permit.ts";
import type { Queryable } from "./client.ts";
import { isDue, isNotLeased, waits } from "./waiting.ts";

/** Part of all destinations, by a hash of their keys. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const ONE_SHARD: Shard = { index: 0, count: 1 };

/** The shard's row; the table is empty after a crash of PostgreSQL. */
export async function createShard(sql: Queryable, { index }: Shard): Promise<void> {
  await sql`insert into delivery_schedulers (shard) values (${index}) on conflict do nothing`;
}

/** What a destination has leased or in flight, by the kind of permit. */
export interface OutstandingRow {
  readonly destination: string;
  readonly kind: PermitKind;
  readonly leased: number;
  readonly inFlight: number;
}

export interface OpenRound {
  readonly version: number;
  /** Tests are nobody's backlog: each stands for itself. */
  readonly rows: readonly OutstandingRow[];
  readonly workers: number;
  /** Test deliveries wait. */
  readonly hasTests: boolean;
  /** The database's clock. */
  readonly nowMs: number;
}

/** Reads nothing but what is leased or in flight. Undefined: another worker leads. */
export async function openRound(
  sql: Queryable,
  { shard: { index }, workerId }: { readonly shard: Shard; readonly workerId: string },
): Promise<OpenRound | undefined> {
  const rows = await sql<(OutstandingRow & Omit<OpenRound, "rows">)[]>`
    select scheduler.version, scheduler."nowMs", scheduler.workers, scheduler."hasTests",
      coalesce(destination, '') as destination, coalesce(permit, 'low') as kind,
      count(*) filter (where is_leased)::int as leased,
      count(*) filter (where not is_leased)::int as "inFlight"
    from (
      select version::float8, (extract(epoch from now()) * 1000)::float8 as "nowMs",
        (select count(*)::int from worker_processes) as workers,
        exists (
          select from webhook_deliveries where status = 'pending' and not held and is_test_delivery
        ) as "hasTests"
      from delivery_schedulers
      where shard = ${index} and (worker_id = ${workerId} or leads_until <= now())
    ) as scheduler left join (
      select destination, permit, true as is_leased from delivery_leases
      union all
      select case when is_test_delivery then id::text else destination end, permit, false
      from webhook_deliveries where status = 'sent'
    ) as outstanding on true
    group by 1, 2, 3, 4, 5, 6`;
  const [first] = rows;
  if (first === undefined) return undefined;
  const { version, workers, hasTests, nowMs } = first;
  const outstanding = rows.filter(({ leased, inFlight }) => leased + inFlight > 0);
  return { version, rows: outstanding, workers, hasTests, nowMs };
}

export interface Grant {
  readonly destination: string;
  readonly count: number;
  readonly kind: PermitKind;
  /**
   * For grants by age: since when its circuit is in its state. What was tried before that does not wait for
   * its time.
   */
  readonly sinceMs: number | null;
}

export interface Leased {
  readonly deliveryId: string;
  readonly destination: string;
  readonly kind: PermitKind;
  /** 0: it may start now. */
  readonly delayMs: number;
  /** The worker that asked for the leases runs it. */
  readonly isTaken: boolean;
}

export interface GrantOptions {
  readonly shard: Shard;
  /** Of the round, or of the grant before in the same round plus 1. Another one: nothing is granted. */
  readonly version: number;
  readonly workerId: string;
  /** What is due within this gets its lease before it is due. */
  readonly horizonMs: number;
  readonly leaseMs: number;
  /** Of what may start now, so many are for this worker; the others are for whoever the queue gives them to. */
  readonly mostForSelf: number;
}

/** Of what a destination with a normal permit gets, one in so many is its newest delivery. */
const NEWEST_IN = 4;
const NEWEST_LOOKED_AT = 50;

/**
 * By due time, the longest due first. Of normal ones some are the newest, so that new deliveries do not
 * wait for the whole backlog of their own destination.
 */
export async function leaseByDueTime(
  sql: Queryable,
  grants: readonly Grant[],
  options: GrantOptions,
): Promise<Leased[]> {
  return sql<Leased[]>`
    with ${granted(sql, grants)}, picked as (
      select delivery.id, delivery.next_retry_at, granted.destination, granted.kind
      from granted, lateral (
        select id, next_retry_at from webhook_deliveries
        where ${waits(sql)} and destination = granted.destination
          and ${isDue(sql, options.horizonMs)} and ${isNotLeased(sql)}
        order by next_retry_at, id limit granted.count - granted.newest
      ) as delivery
      union
      select delivery.id, delivery.next_retry_at, granted.destination, granted.kind
      from granted, lateral (
        select id, next_retry_at from (
          select id, next_retry_at from webhook_deliveries
          where ${waits(sql)} and destination = granted.destination and ${isNotLeased(sql)}
          order by id desc limit ${NEWEST_LOOKED_AT}
        ) as newest
        where ${isDue(sql, 0)} limit granted.newest
      ) as delivery
    ), ${insertLeases(sql, sql`greatest(next_retry_at, now())`, options)}`;
}

/** In the order of acceptance, for a destination that was away. Starts at once, whatever its time. */
export async function leaseByAge(
  sql: Queryable,
  grants: readonly Grant[],
  options: GrantOptions,
): Promise<Leased[]> {
  return sql<Leased[]>`
    with ${granted(sql, grants)}, picked as (
      select delivery.id, granted.destination, granted.kind from granted, lateral (
        select id from webhook_deliveries
        where ${waits(sql)} and destination = granted.destination and ${isNotLeased(sql)}
          and (${isDue(sql, 0)}
            or internal_faults = 0 and sent_at < to_timestamp(granted.since_ms / 1000))
        order by id limit granted.count
      ) as delivery
    ), ${insertLeases(sql, sql`now()`, options)}`;
}

/** Tests, whatever is known of their destinations. */
export async function leaseTests(
  sql: Queryable,
  count: number,
  options: GrantOptions,
): Promise<Leased[]> {
  return sql<Leased[]>`
    with picked as (
      select id, next_retry_at, id::text as destination, 'trial' as kind from webhook_deliveries
      where status = 'pending' and not held and is_test_delivery
        and ${isDue(sql, options.horizonMs)} and ${isNotLeased(sql)}
      order by next_retry_at limit ${count}
    ), ${insertLeases(sql, sql`greatest(next_retry_at, now())`, options)}`;
}

function granted(sql: Queryable, grants: readonly Grant[]) {
  return sql`granted as (
    select destination, count, kind, "sinceMs" as since_ms,
      case kind when 'normal' then count / ${NEWEST_IN} else 0 end as newest
    from jsonb_to_recordset(${JSON.stringify(grants)}::text::jsonb)
      as given (destination text, count int, kind text, "sinceMs" float8)
  )`;
}

/** The lead of who granted last; longer than a round takes. */
const LEADS_FOR_MS = 1_000;

/** The end of a `with` whose `picked` says which deliveries. */
function insertLeases(
  sql: Queryable,
  startsAt: ReturnType<typeof waits>,
  { leaseMs, mostForSelf, shard, version, workerId }: GrantOptions,
) {
  return sql`current_round as (
      update delivery_schedulers
      set version = version + 1, worker_id = ${workerId},
        leads_until = now() + ${LEADS_FOR_MS} * interval '1 millisecond'
      where shard = ${shard.index} and version = ${version}
      returning shard
    )
    insert into delivery_leases (delivery_id, destination, permit, starts_at, expires_at, taken_by)
    select id, destination, kind, starts_at, starts_at + ${leaseMs} * interval '1 millisecond',
      case when starts_at <= now() and row_number() over (order by starts_at) <= ${mostForSelf}
        then ${workerId}::uuid end
    from (select id, destination, kind, ${startsAt} as starts_at from picked) as leased, current_round
    on conflict (delivery_id) do nothing
    returning delivery_id as "deliveryId", destination, permit as kind,
      (extract(epoch from starts_at - now()) * 1000)::float8 as "delayMs",
      taken_by is not null as "isTaken"`;
}
