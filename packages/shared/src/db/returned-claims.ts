/** Claims that no attempt was made with: their worker stops before it was their turn. */
import type { Queryable } from "./client.ts";
import { releasedToWait } from "./transitions.ts";

/** The delivery is due at once, as if it had never been claimed. False: the claim was not valid any more. */
export async function returnClaim(
  sql: Queryable,
  claim: { readonly id: string; readonly claimId: string },
): Promise<boolean> {
  const returned = await sql`
    update webhook_deliveries
    set attempt = attempt - 1, ${releasedToWait(sql)}
    where id = ${claim.id} and status = 'sent' and claim_id = ${claim.claimId}`;
  return returned.count === 1;
}
