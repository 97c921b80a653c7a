/** The deliveries that an event was fanned out to. */
import type { Queryable } from "./client.ts";
import { columns, type Delivery } from "./deliveries.ts";
import type { EventKey } from "./events.ts";

/** In the order of their endpoints' ids being fanned out; `isDisabled`: written down, never sent. */
export async function listIdsOfEvent(
  sql: Queryable,
  event: EventKey,
): Promise<{ readonly id: string; readonly isDisabled: boolean }[]> {
  return sql<{ id: string; isDisabled: boolean }[]>`
    select id, (attempt = 0 and error_type is not distinct from 'endpoint_disabled') as "isDisabled"
    from webhook_deliveries where ${isOf(sql, event)} order by id`;
}

export async function listDeliveriesOfEvent(
  sql: Queryable,
  event: EventKey,
  limit: number,
): Promise<Delivery[]> {
  return sql<Delivery[]>`
    select ${columns(sql)} from webhook_deliveries where ${isOf(sql, event)}
    order by id limit ${limit}`;
}

export async function countDeliveriesOfEvent(sql: Queryable, event: EventKey): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from webhook_deliveries where ${isOf(sql, event)}`;
  return row?.count ?? 0;
}

function isOf(sql: Queryable, { eventId, clientId }: EventKey) {
  return sql`event_id = ${eventId} and client_id is not distinct from ${clientId}::uuid`;
}
