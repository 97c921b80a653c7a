/** The list of endpoints, newest first, cut by id. */
import type { EndpointStatus } from "../core/endpoint-health.ts";
import type { Queryable } from "./client.ts";
import { columns, endpoints, type Endpoint } from "./endpoints.ts";

/** Undefined: not filtered by. */
export interface EndpointFilter {
  readonly clientId?: string | undefined;
  /** Registered for it, or subscribed to it by name. */
  readonly source?: string | undefined;
  readonly status?: EndpointStatus | undefined;
}

export async function listEndpoints(
  sql: Queryable,
  filter: EndpointFilter,
  page: { readonly limit: number; readonly beforeId: string | undefined },
): Promise<Endpoint[]> {
  const before = page.beforeId === undefined ? sql`` : sql`and endpoint.id < ${page.beforeId}`;
  return sql<Endpoint[]>`
    select ${columns(sql)} from ${endpoints(sql)}
    where ${matches(sql, filter)} ${before}
    order by endpoint.id desc limit ${page.limit}`;
}

export async function countEndpoints(sql: Queryable, filter: EndpointFilter): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from ${endpoints(sql)} where ${matches(sql, filter)}`;
  return row?.count ?? 0;
}

function matches(sql: Queryable, { clientId, source, status }: EndpointFilter) {
  const ofClient = clientId === undefined ? sql`` : sql`and client_id = ${clientId}`;
  const ofSource =
    source === undefined
      ? sql``
      : sql`and (registered_source = ${source} or ${source} = any(sources))`;
  return sql`true ${ofClient} ${ofSource} ${hasStatus(sql, status)}`;
}

function hasStatus(sql: Queryable, status: EndpointStatus | undefined) {
  switch (status) {
    case undefined:
      return sql``;
    case "disabled":
      return sql`and not enabled`;
    case "failing":
      return sql`and enabled and failure_count > 0`;
    case "active":
      return sql`and enabled and failure_count = 0`;
  }
}
