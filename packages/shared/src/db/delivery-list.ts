/**
 * The list of deliveries, newest first. Pages are cut by id (UUID v7), so that a page is the same
 * however many rows came since, and `since`/`until` are id ranges: no filter needs a sort.
 */
import type { DeliveryStatus } from "../core/delivery.ts";
import { isUuid, smallestIdAt } from "../core/ids.ts";
import { columns, type Delivery } from "./deliveries.ts";
import type { Queryable, Sql } from "./client.ts";

/** Undefined: not filtered by. */
export interface DeliveryFilter {
  readonly deliveryId?: string | undefined;
  readonly leadId?: string | undefined;
  readonly endpointId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly eventType?: string | undefined;
  readonly status?: DeliveryStatus | undefined;
  /** Accepted at or after. */
  readonly since?: Date | undefined;
  /** Accepted before. */
  readonly until?: Date | undefined;
  /** An id, or how a lead id, an event type or a URL (with or without its scheme) begins. */
  readonly q?: string | undefined;
}

/** Counting stops here: an exact total of millions would cost more than it tells. */
export const TOTAL_CAP = 10_000;

/** `beforeId`: only deliveries accepted before that one. */
export async function listDeliveries(
  sql: Queryable,
  filter: DeliveryFilter,
  page: { readonly limit: number; readonly beforeId: string | undefined },
): Promise<Delivery[]> {
  const before = page.beforeId === undefined ? sql`` : sql`and id < ${page.beforeId}`;
  return sql<Delivery[]>`
    select ${columns(sql)} from webhook_deliveries
    where ${matches(sql, filter)} ${before}
    order by id desc limit ${page.limit}`;
}

/** Exact up to TOTAL_CAP; TOTAL_CAP + 1 means "more". */
export async function countDeliveries(sql: Sql, filter: DeliveryFilter): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (
      select 1 from webhook_deliveries where ${matches(sql, filter)} limit ${TOTAL_CAP + 1}
    ) as capped`;
  return row?.count ?? 0;
}

function matches(sql: Queryable, filter: DeliveryFilter) {
  const conditions = [
    filter.deliveryId === undefined ? undefined : sql`id = ${filter.deliveryId}`,
    filter.leadId === undefined ? undefined : sql`lead_id = ${filter.leadId}`,
    filter.endpointId === undefined ? undefined : sql`endpoint_id = ${filter.endpointId}`,
    filter.clientId === undefined ? undefined : sql`client_id = ${filter.clientId}`,
    filter.eventType === undefined ? undefined : sql`event_type = ${filter.eventType}`,
    filter.status === undefined ? undefined : sql`status = ${filter.status}`,
    filter.since === undefined ? undefined : sql`id >= ${smallestIdAt(filter.since)}`,
    filter.until === undefined ? undefined : sql`id < ${smallestIdAt(filter.until)}`,
    filter.q === undefined ? undefined : textMatches(sql, filter.q),
  ].filter((condition) => condition !== undefined);
  return conditions.reduce((all, condition) => sql`${all} and ${condition}`, sql`true`);
}

function textMatches(sql: Queryable, q: string) {
  const prefix = startingWith(q);
  const idMatches = isUuid(q) ? sql`or id = ${q}` : sql``;
  return sql`(
    lead_id like ${prefix} or event_type like ${prefix}
    or left(webhook_url, 200) like ${prefix}
    or left(webhook_url, 200) like ${"https://" + prefix}
    or left(webhook_url, 200) like ${"http://" + prefix}
    ${idMatches})`;
}

function startingWith(text: string): string {
  return `${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
