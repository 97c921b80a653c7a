/**
 * Leases: the permits to start. The scheduler grants them (scheduling.ts), the claim uses them up (claims.ts),
 * and whoever changes a destination for the worse revokes them in the same transaction.
 */
import { destinationKey, type Permit, type PermitKind } from "../core/permit.ts";
import { uuidArray, type Queryable } from "./client.ts";

/**
 * Nothing more starts to these destinations, but for tests and what is in flight. To be called after the
 * change that is the reason. The schedulers' versions come first: a round that looked before the change then
 * grants nothing any more, and what was granted is seen here.
 */
export async function revokeLeases(tx: Queryable, destinations: readonly string[]): Promise<void> {
  if (destinations.length === 0) return;
  await tx`update delivery_schedulers set version = version + 1`;
  await tx`
    delete from delivery_leases where destination = any (array(
      select jsonb_array_elements_text(${JSON.stringify(destinations)}::text::jsonb)))`;
}

/** All of them: the queue that carried them lost them. */
export async function revokeAllLeases(sql: Queryable): Promise<number> {
  const revoked = await sql`delete from delivery_leases`;
  return revoked.count;
}

/** Their deliveries wait as if they had never been leased. */
export async function returnLeases(sql: Queryable, deliveryIds: readonly string[]): Promise<void> {
  await sql`
    delete from delivery_leases
    where delivery_id = any (${uuidArray(deliveryIds)}::text::uuid[])`;
}

/** Those that nobody used in time. */
export async function removeExpiredLeases(sql: Queryable): Promise<void> {
  await sql`delete from delivery_leases where expires_at <= now()`;
}

/**
 * For a queue that has no other place: the worker gets leases that may start now and that no other worker
 * has, the longest due first.
 */
export async function takeLeases(
  sql: Queryable,
  { workerId, limit }: { readonly workerId: string; readonly limit: number },
): Promise<Permit[]> {
  const rows = await sql<{ deliveryId: string; destination: string; kind: PermitKind }[]>`
    update delivery_leases set taken_by = ${workerId}
    where delivery_id = any (array(
      select delivery_id from delivery_leases
      where taken_by is null and starts_at <= now() and expires_at > now()
      order by starts_at limit ${limit} for update skip locked))
    returning delivery_id as "deliveryId", destination, permit as kind`;
  return rows.map(({ deliveryId, destination, kind }) => {
    return { deliveryId, destinationKey: destinationKey(destination), kind };
  });
}

/** Milliseconds until the next lease that no worker has taken may start; undefined: there is none. */
export async function nextStartInMs(sql: Queryable): Promise<number | undefined> {
  const [row] = await sql<{ inMs: number | null }[]>`
    select (extract(epoch from min(starts_at) - now()) * 1000)::float8 as "inMs"
    from delivery_leases where taken_by is null and expires_at > now()`;
  return row?.inMs ?? undefined;
}

/** Those that workers took which are gone. */
export async function returnLeasesOf(sql: Queryable, workerIds: readonly string[]): Promise<void> {
  await sql`
    delete from delivery_leases where taken_by = any (${uuidArray(workerIds)}::text::uuid[])`;
}
