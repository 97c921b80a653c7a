/** Whose numbers, everybody's, a client's or an endpoint's, and since when. */
import { NIL_UUID, type Queryable } from "./client.ts";

/** An endpoint belongs to one client: when it is named, it alone decides. */
export interface StatScope {
  readonly clientId?: string | undefined;
  readonly endpointId?: string | undefined;
}

const MS_PER_DAY = 86_400_000;

/** From the start of an hour on. */
export interface StatWindow extends StatScope {
  readonly since: Date;
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

/** The sums of the hours before the window's first midnight, and of the days from then on. */
export function isInWindow(sql: Queryable, { since, ...scope }: StatWindow) {
  const midnight = new Date(Math.ceil(since.getTime() / MS_PER_DAY) * MS_PER_DAY);
  return sql`
    scope_id = ${scopeId(scope)} and (
      (grain = 'hour' and starts_at >= ${since} and starts_at < ${midnight})
      or (grain = 'day' and starts_at >= ${midnight}))`;
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
