/** What a delivery needs to know of the endpoints that it may go to. */
import { subscriptionsTo } from "../core/subscription.ts";
import type { RequestedFormat } from "../core/formats/registry.ts";
import { uuidArray, type Queryable } from "./client.ts";

export interface EndpointTarget {
  readonly id: string;
  readonly clientId: string | null;
  readonly url: string;
  readonly format: RequestedFormat;
  /** Null: as usual. A schedule of its own brings one attempt more than it has waits. */
  readonly maxAttempts: number | null;
  readonly ordered: boolean;
  readonly enabled: boolean;
}

/** `clientId`: only if it is this client's; undefined: whosever it is. */
export async function findTarget(
  sql: Queryable,
  { id, clientId }: { readonly id: string; readonly clientId: string | undefined },
): Promise<EndpointTarget | undefined> {
  const ofClient = clientId === undefined ? sql`` : sql`and client_id = ${clientId}`;
  const [row] = await sql<EndpointTarget[]>`
    select ${columns(sql)} from webhook_endpoints where id = ${id} ${ofClient}`;
  return row;
}

/** Whosever they are; those that are not there are left out. */
export async function findTargets(
  sql: Queryable,
  ids: readonly string[],
): Promise<EndpointTarget[]> {
  return sql<EndpointTarget[]>`
    select ${columns(sql)} from webhook_endpoints
    where id = any (${uuidArray(ids)}::text::uuid[])`;
}

export interface SubscribedTo {
  readonly clientId: string | null;
  readonly type: string;
  readonly source: string | null;
}

/**
 * The endpoints that an event goes to: its client's (or the operator's own), by type and source.
 * An endpoint without sources takes events of every source and of none.
 */
export async function findSubscribers(
  sql: Queryable,
  event: SubscribedTo,
): Promise<EndpointTarget[]> {
  const { clientId } = event;
  // Not "is not distinct from", which no index serves: every endpoint of all clients would be read.
  const ofClient = clientId === null ? sql`client_id is null` : sql`client_id = ${clientId}`;
  const entries = JSON.stringify(subscriptionsTo(event.type));
  return sql<EndpointTarget[]>`
    select ${columns(sql)} from webhook_endpoints
    where ${ofClient}
      and (event_types = '{}'
           or event_types && array(select jsonb_array_elements_text(${entries}::text::jsonb)))
      and (sources = '{}' or ${event.source}::text = any(sources))
    order by id`;
}

function columns(sql: Queryable) {
  return sql`id, client_id as "clientId", url, format, ordered, enabled,
    coalesce(max_attempts, cardinality(retry_schedule_ms) + 1) as "maxAttempts"`;
}
