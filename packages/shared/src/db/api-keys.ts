/** Queries on `api_keys`. The key itself is nowhere: only its hash is. */
import type { Queryable } from "./client.ts";

/** Whose key this is; undefined: nobody's, or a revoked one. */
export async function findClientOfKey(
  sql: Queryable,
  keyHash: Buffer,
): Promise<string | undefined> {
  const [row] = await sql<{ clientId: string }[]>`
    select client_id as "clientId" from api_keys
    where key_hash = ${keyHash} and revoked_at is null`;
  return row?.clientId;
}
