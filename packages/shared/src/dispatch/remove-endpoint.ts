/**
 * Removes an endpoint and ends what waits for it. The endpoint goes first, and its leases with it: from
 * then on no attempt is begun. Its waiting deliveries are then cancelled in steps; those that are left when
 * the time is up, or when the process dies, are cancelled by the scheduler when they become due.
 */
import { inTransaction, type Sql } from "../db/client.ts";
import { cancelWaitingOf } from "../db/deliveries.ts";
import { deleteEndpoint, type EndpointKey } from "../db/endpoints.ts";
import { revokeLeases } from "../db/leases.ts";
import { noSuchEndpoint } from "./register-endpoint.ts";

const STEP = 2_000;
const TIME_MS = 3_000;

/** How many deliveries were cancelled; throws `endpoint_not_found`. */
export async function removeEndpoint(sql: Sql, key: EndpointKey): Promise<number> {
  const startedAt = performance.now();
  await inTransaction(sql, async (tx) => {
    if (!(await deleteEndpoint(tx, key))) noSuchEndpoint();
    await revokeLeases(tx, [key.id]);
  });
  let cancelled = 0;
  for (;;) {
    const step = await cancelWaitingOf(sql, key.id, STEP);
    cancelled += step;
    if (step < STEP || performance.now() - startedAt > TIME_MS) return cancelled;
  }
}
