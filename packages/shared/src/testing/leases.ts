/** Leases as the scheduler grants them, for tests that are not about it. */
import { randomUUID } from "node:crypto";
import type { PermitKind } from "../core/permit.ts";
import { claimDeliveries, type ClaimedDelivery } from "../db/claims.ts";
import { uuidArray, type Queryable } from "../db/client.ts";

/** Whatever their state; those that are leased already stay as they are. */
export async function grantLeases(
  sql: Queryable,
  ids: readonly string[],
  kind: PermitKind = "normal",
): Promise<void> {
  await sql`
    insert into delivery_leases (delivery_id, destination, permit, starts_at, expires_at)
    select id, destination, ${kind}, starts_at, starts_at + interval '10 seconds'
    from webhook_deliveries, greatest(next_retry_at, now()) as starts_at where id = any (${uuidArray(ids)}::text::uuid[])
    on conflict do nothing`;
}

/** Grants a lease and claims it at once. Undefined: the claim was refused. */
export async function claimNow(
  sql: Queryable,
  deliveryId: string,
  workerId: string = randomUUID(),
): Promise<ClaimedDelivery | undefined> {
  await grantLeases(sql, [deliveryId]);
  const [claimed] = await claimDeliveries(sql, workerId, [{ deliveryId, claimId: randomUUID() }]);
  return claimed;
}
