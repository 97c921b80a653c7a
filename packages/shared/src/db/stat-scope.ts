/** Whose numbers: everybody's, a client's or an endpoint's. */
import { NIL_UUID, type Queryable } from "./client.ts";

/** An endpoint belongs to one client: when it is named, it alone decides. */
export interface StatScope {
  readonly clientId?: string | undefined;
  readonly endpointId?: string | undefined;
}

export const EVERYTHING: StatScope = {};

/** The scope's key in the sums. */
export function scopeId({ clientId, endpointId }: StatScope): string {
  return endpointId ?? clientId ?? NIL_UUID;
}

/** The same for rows that have `client_id` and `endpoint_id`. */
export function isInScope(sql: Queryable, { clientId, endpointId }: StatScope) {
  if (endpointId !== undefined) return sql`endpoint_id = ${endpointId}`;
  return clientId === undefined ? sql`true` : sql`client_id = ${clientId}`;
}

/** An endpoint that is gone is known as long as its deliveries are. `clientId`: only this client's. */
export async function isKnownEndpoint(
  sql: Queryable,
  { endpointId, clientId }: { readonly endpointId: string; readonly clientId: string | undefined },
): Promise<boolean> {
  const isTheirs = clientId === undefined ? sql`` : sql`and client_id = ${clientId}`;
  const [row] = await sql<{ isKnown: boolean }[]>`
    select exists (select from webhook_endpoints where id = ${endpointId} ${isTheirs})
      or exists (select from webhook_deliveries where endpoint_id = ${endpointId} ${isTheirs})
      as "isKnown"`;
  return row?.isKnown === true;
}
