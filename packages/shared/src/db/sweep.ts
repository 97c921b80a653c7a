/**
 * What the sweep asks of the rows: which destinations have something due and in no queue, and the leases
 * on what it queues. Walks the index of those rows destination by destination, so that a backlog of
 * any size costs one look at its destination, and one destination's backlog hides no other's.
 */
import type { Allowance } from "../core/allowance.ts";
import type { Lane } from "../core/lanes.ts";
import { destinationColumns, type DestinationColumns } from "./destinations.ts";
import { uuidArray, type Queryable } from "./client.ts";

/** One sweep at a time over all workers: they would give away the same room twice. */
const ADVISORY_LOCK = 7_268_455_190_115;

/** Until the transaction ends. False: another worker sweeps. */
export async function lockSweep(tx: Queryable): Promise<boolean> {
  const [row] = await tx<{ isOurs: boolean }[]>`
    select pg_try_advisory_xact_lock(${ADVISORY_LOCK}) as "isOurs"`;
  return row?.isOurs === true;
}

/** Jobs that were not run until then are presumed lost: their deliveries are free again. */
export async function endLeases(tx: Queryable): Promise<void> {
  await tx`
    update webhook_deliveries set queued_until = null, lane = null
    where status = 'pending' and queued_until <= now()`;
}

export interface Outstanding {
  readonly workers: number;
  /** On the main lane: in its queue, and in flight, with a slot or without. */
  readonly mainQueued: number;
  readonly mainInFlight: number;
  readonly side: number;
  /** Of `side`, to destinations that were never tried. */
  readonly firstLooks: number;
  /** The database's clock. */
  readonly nowMs: number;
}

export async function countOutstanding(tx: Queryable): Promise<Outstanding> {
  const [row] = await tx<Outstanding[]>`
    select (select count(*)::int from worker_processes) as workers,
      count(*) filter (where lane = 'main' and status = 'pending')::int as "mainQueued",
      count(*) filter (where lane = 'main' and status = 'sent')::int as "mainInFlight",
      count(*) filter (where lane is distinct from 'main')::int as side,
      count(*) filter (where lane is distinct from 'main' and not exists (
        select from destinations where key = outstanding.destination))::int as "firstLooks",
      (extract(epoch from now()) * 1000)::float8 as "nowMs"
    from (
      select lane, status, destination from webhook_deliveries where status = 'sent'
      union all
      select lane, status, destination from webhook_deliveries where status = 'pending' and queued_until is not null
    ) as outstanding`;
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}

export interface WalkedDestination extends DestinationColumns {
  readonly destination: string;
  /** Null: it is a host, or an endpoint that is gone. */
  readonly endpointId: string | null;
  readonly clientId: string | null;
  /** Its endpoint is disabled or gone. */
  readonly isEnded: boolean;
  readonly free: number;
  readonly waiting: number;
  readonly inFlight: number;
  /** In a queue or in flight. */
  readonly outstanding: number;
  readonly oldestDueMs: number;
  readonly limitPerSecond: number | null;
  readonly maxInFlight: number | null;
  readonly releasedAtMs: number | null;
}

export interface Walk {
  /** Only destinations after this one, in the order of their keys. */
  readonly after: string;
  readonly limit: number;
  /** Due deliveries of each are counted up to this, and so are all that wait. */
  readonly look: number;
  readonly horizonMs: number;
}

/** `isLast`: there is no destination after these. */
export async function walkDestinations(
  tx: Queryable,
  { after, limit, look, horizonMs }: Walk,
): Promise<{ readonly found: WalkedDestination[]; readonly next: string | null }> {
  const rows = await tx<(WalkedDestination & { readonly free: number | null })[]>`
    with recursive walk as (
      (select destination, 1 as step from webhook_deliveries
       where ${isFree(tx)} and destination > ${after} order by destination limit 1)
      union all
      select (select delivery.destination from webhook_deliveries as delivery
              where ${isFree(tx)} and delivery.destination > walk.destination
              order by delivery.destination limit 1), step + 1
      from walk where walk.destination is not null and step < ${limit}
    )
    select walk.destination, due.free, due."oldestDueMs",
      in_flight.count as "inFlight", queued.count + in_flight.count as outstanding,
      all_free.waiting, endpoint.id as "endpointId", first.client_id as "clientId",
      walk.destination ~ ${ENDPOINT_KEY} and endpoint.enabled is not true as "isEnded",
      endpoint.rate_limit_per_second as "limitPerSecond",
      endpoint.max_in_flight as "maxInFlight",
      (extract(epoch from released_at) * 1000)::float8 as "releasedAtMs",
      ${destinationColumns(tx)}
    from walk
    cross join lateral (
      select count(*)::int as free,
        (extract(epoch from min(next_retry_at)) * 1000)::float8 as "oldestDueMs"
      from (
        select next_retry_at from webhook_deliveries
        where ${isFree(tx)} and destination = walk.destination and ${isDue(tx, horizonMs)}
        order by next_retry_at limit ${look}
      ) as looked_at
    ) as due
    cross join lateral (
      select count(*)::int as waiting from (
        select from webhook_deliveries
        where ${isFree(tx)} and destination = walk.destination limit ${look}
      ) as looked_at
    ) as all_free
    cross join lateral (
      select client_id from webhook_deliveries
      where ${isFree(tx)} and destination = walk.destination limit 1
    ) as first
    cross join lateral (
      select count(*)::int from webhook_deliveries
      where destination = walk.destination and status = 'pending' and queued_until is not null
    ) as queued
    cross join lateral (
      select count(*)::int from webhook_deliveries
      where destination = walk.destination and status = 'sent'
    ) as in_flight
    left join destinations as destination on destination.key = walk.destination
    left join webhook_endpoints as endpoint on endpoint.id =
      case when walk.destination ~ ${ENDPOINT_KEY} then walk.destination::uuid end
    where walk.destination is not null
    -- The joins keep no order of their own, and the last one says where to go on.
    order by walk.step`;
  const last = rows.at(-1)?.destination ?? null;
  return {
    found: rows.filter(({ free }) => free > 0),
    next: rows.length < limit ? null : last,
  };
}

export interface Share {
  readonly destination: string;
  readonly count: number;
  readonly lane: Lane | "probe";
  readonly order: Allowance["order"];
  /** Of the circuit's state; see Allowance. */
  readonly sinceMs: number | null;
}

export interface LeasedDelivery {
  readonly id: string;
  readonly destination: string;
  readonly lane: Lane | "probe";
  /** 0: due now. */
  readonly delayMs: number;
}

/** On the main lane one in so many is the newest. */
const NEWEST_IN = 4;
const NEWEST_LOOKED_AT = 50;

/**
 * Leases each destination's share; until the lease ends they count as queued. In the order in which
 * they are to run.
 */
export async function leaseShares(
  tx: Queryable,
  shares: readonly Share[],
  { horizonMs, leaseMs }: { readonly horizonMs: number; readonly leaseMs: number },
): Promise<LeasedDelivery[]> {
  if (shares.length === 0) return [];
  const leased = await tx<(LeasedDelivery & { readonly dueMs: number; readonly order: string })[]>`
    with share as (
      select * from jsonb_to_recordset(${JSON.stringify(shares)}::text::jsonb) as share
        (destination text, count int, lane text, "order" text, "sinceMs" float8)
    ), picked as materialized (
      select delivery.id, share.lane, share."order" from share, lateral (
        select id from webhook_deliveries
        where share."order" = 'due' and ${isFree(tx)} and destination = share.destination
          and ${isDue(tx, horizonMs)}
        order by next_retry_at, id
        limit share.count - case share.lane when 'main' then share.count / ${NEWEST_IN} else 0 end
        for update skip locked
      ) as delivery
      union all
      -- Or what is lost with the queue would wait behind all that was due before it.
      select delivery.id, share.lane, share."order" from share, lateral (
        select id from (
          select id, next_retry_at from webhook_deliveries
          where share.lane = 'main' and ${isFree(tx)} and destination = share.destination
          order by id desc limit ${NEWEST_LOOKED_AT} for update skip locked
        ) as newest
        where ${isDue(tx, 0)} limit share.count / ${NEWEST_IN}
      ) as delivery
      union all
      select delivery.id, share.lane, share."order" from share, lateral (
        select id from webhook_deliveries
        where share."order" = 'age' and ${isFree(tx)} and destination = share.destination
          and (${isDue(tx, 0)} or internal_faults = 0
            and sent_at < to_timestamp(share."sinceMs" / 1000))
        order by id limit share.count for update skip locked
      ) as delivery
    ), paced as (
      update destinations set released_at = now()
      from share where share."order" = 'age' and key = share.destination
    )
    update webhook_deliveries as delivery
    set lane = picked.lane,
      next_retry_at = case when picked."order" = 'age' then least(next_retry_at, now())
        else next_retry_at end,
      queued_until = greatest(now(), case when picked."order" = 'due' then next_retry_at end)
        + ${leaseMs} * interval '1 millisecond'
    from picked
    -- As an array, or the planner takes the limits for thousands of rows and reads the whole table.
    where delivery.id = any (array(select id from picked)) and delivery.id = picked.id
    returning delivery.id, delivery.destination, delivery.lane, picked."order",
      (extract(epoch from delivery.next_retry_at) * 1000)::float8 as "dueMs",
      greatest(0, extract(epoch from delivery.next_retry_at - now()) * 1000)::float8 as "delayMs"`;
  return leased.toSorted(
    (a, b) => (a.order === "due" ? a.dueMs - b.dueMs : 0) || (a.id < b.id ? -1 : 1),
  );
}

/** Gives leases back whose jobs could not be queued. */
export async function returnLeases(sql: Queryable, ids: readonly string[]): Promise<void> {
  await sql`
    update webhook_deliveries set queued_until = null, lane = null
    where id = any(${uuidArray(ids)}::text::uuid[]) and status = 'pending'`;
}

/** Of those keys that are no host. */
const ENDPOINT_KEY = "^[0-9a-f-]{36}$";

function isFree(sql: Queryable) {
  return sql`status = 'pending' and not held and queued_until is null`;
}

function isDue(sql: Queryable, horizonMs: number) {
  return sql`next_retry_at <= now() + ${horizonMs} * interval '1 millisecond'`;
}
