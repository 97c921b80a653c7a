/** What a list of deliveries can be narrowed to, and the ids of the newest that fit. */
import { DELIVERY_STATUSES, type DeliveryStatus } from "../core/delivery.ts";
import { smallestIdAt } from "../core/ids.ts";
import type { Queryable } from "./client.ts";

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

export type ExactFilter = Omit<DeliveryFilter, "q">;

export interface Page {
  readonly limit: number;
  /** Only deliveries accepted before that one. */
  readonly beforeId: string | undefined;
}

/** A query for ids, newest first. Every condition but the text is met. */
export function newestIds(sql: Queryable, filter: ExactFilter, { limit, beforeId }: Page) {
  const conditions = matches(sql, filter, beforeId);
  if (!isIndexedWithStatus(filter)) {
    return sql`
      select id from webhook_deliveries where ${conditions} order by id desc limit ${limit}`;
  }
  return sql`
    select newest.id
    from unnest(${`{${DELIVERY_STATUSES.join(",")}}`}::text::text[]) as given (status),
      lateral (
        select id from webhook_deliveries as delivery
        where delivery.status = given.status and ${conditions} order by id desc limit ${limit}
      ) as newest
    order by newest.id desc limit ${limit}`;
}

/** Its index has the status before the id, so that each status is read in order by itself. */
function isIndexedWithStatus(filter: ExactFilter): boolean {
  const { deliveryId, leadId, status, endpointId, clientId, eventType } = filter;
  if (deliveryId !== undefined || leadId !== undefined || status !== undefined) return false;
  return endpointId !== undefined || clientId !== undefined || eventType !== undefined;
}

export function matches(sql: Queryable, filter: ExactFilter, beforeId: string | undefined) {
  const { deliveryId, leadId, endpointId, clientId, eventType, status, since, until } = filter;
  const conditions = [
    deliveryId === undefined ? undefined : sql`id = ${deliveryId}`,
    leadId === undefined ? undefined : sql`lead_id = ${leadId}`,
    endpointId === undefined ? undefined : sql`endpoint_id = ${endpointId}`,
    clientId === undefined ? undefined : sql`client_id = ${clientId}`,
    eventType === undefined ? undefined : sql`event_type = ${eventType}`,
    status === undefined ? undefined : sql`status = ${status}`,
    since === undefined ? undefined : sql`id >= ${smallestIdAt(since)}`,
    until === undefined ? undefined : sql`id < ${smallestIdAt(until)}`,
    beforeId === undefined ? undefined : sql`id < ${beforeId}`,
  ].filter((condition) => condition !== undefined);
  return conditions.reduce((all, condition) => sql`${all} and ${condition}`, sql`true`);
}
