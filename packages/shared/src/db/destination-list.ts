/** Destinations as they are shown, with what is held back for each. */
import type { CircuitState } from "../core/circuit.ts";
import type { Queryable } from "./client.ts";
import { isNotLeased, waits } from "./waiting.ts";
import {
  destinationColumns,
  toKnown,
  type DestinationColumns,
  type KnownDestination,
} from "./destinations.ts";

export interface ShownDestination extends KnownDestination {
  readonly endpointId: string | null;
  /** Its endpoint's. */
  readonly clientId: string | null;
  /** Deliveries that wait because of its state; counted up to HELD_BACK_CAP + 1. */
  readonly heldBack: number;
}

/** Counting 100,000 on every look would cost more than it tells. */
export const HELD_BACK_CAP = 10_000;

/** Undefined: not filtered by. */
export interface DestinationFilter {
  readonly state?: CircuitState | undefined;
  readonly clientId?: string | undefined;
}

/** By their keys, in their order. */
export async function listDestinations(
  sql: Queryable,
  filter: DestinationFilter,
  page: { readonly limit: number; readonly afterKey: string },
): Promise<ShownDestination[]> {
  return shown(
    sql,
    sql`select * from destinations where key > ${page.afterKey} and ${matches(sql, filter)}
      order by key limit ${page.limit}`,
  );
}

export async function countDestinations(
  sql: Queryable,
  filter: DestinationFilter,
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from destinations where ${matches(sql, filter)}`;
  return row?.count ?? 0;
}

export async function describeDestinations(
  sql: Queryable,
  keys: readonly string[],
): Promise<ShownDestination[]> {
  return shown(
    sql,
    sql`select * from destinations where key = any (array(
      select jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb)))`,
  );
}

/** Whether something of the client's waits for it without a lease: what its state may hold back. */
export async function isWaitedForBy(
  sql: Queryable,
  { clientId, key }: { readonly clientId: string; readonly key: string },
): Promise<boolean> {
  const found = await sql`
    select from webhook_deliveries
    where destination = ${key} and client_id = ${clientId} and ${waits(sql)}
      and ${isNotLeased(sql)}
    limit 1`;
  return found.count === 1;
}

export interface StateCounts extends Readonly<Record<CircuitState | "paused", number>> {
  /** Over all of them that are not closed, or are paused. */
  readonly heldBack: number;
}

/** For the metrics; each destination's backlog up to HELD_BACK_CAP. */
export async function countStates(sql: Queryable): Promise<StateCounts> {
  const [row] = await sql<StateCounts[]>`
    select count(*) filter (where state = 'closed')::int as closed,
      count(*) filter (where state = 'open')::int as open,
      count(*) filter (where state = 'half_open')::int as half_open,
      count(*) filter (where paused_until > now())::int as paused,
      coalesce(sum(waiting.count), 0)::int as "heldBack"
    from destinations as destination left join lateral ${waitingFor(sql)}
      on destination.state <> 'closed' or destination.paused_until > now()`;
  if (row === undefined) throw new Error("an aggregate returned no row");
  return row;
}

async function shown(sql: Queryable, chosen: ReturnType<typeof matches>) {
  const rows = await sql<(DestinationColumns & Omit<ShownDestination, keyof KnownDestination>)[]>`
    select ${destinationColumns(sql)}, destination.endpoint_id as "endpointId",
      destination.client_id as "clientId", coalesce(waiting.count, 0) as "heldBack"
    from (${chosen}) as destination left join lateral ${waitingFor(sql)}
      on destination.state <> 'closed' or destination.paused_until > now()
    order by destination.key`;
  return rows.flatMap(({ endpointId, clientId, heldBack, ...columns }) => {
    const known = toKnown(columns);
    return known === undefined ? [] : [{ ...known, endpointId, clientId, heldBack }];
  });
}

function waitingFor(sql: Queryable) {
  return sql`(
    select count(*)::int as count from (
      select from webhook_deliveries
      where webhook_deliveries.destination = destination.key
        and ${waits(sql)} and ${isNotLeased(sql)}
      limit ${HELD_BACK_CAP + 1}
    ) as capped
  ) as waiting`;
}

function matches(sql: Queryable, { state, clientId }: DestinationFilter) {
  const inState = state === undefined ? sql`` : sql`and state = ${state}`;
  const ofClient = clientId === undefined ? sql`` : sql`and client_id = ${clientId}`;
  return sql`true ${inState} ${ofClient}`;
}
