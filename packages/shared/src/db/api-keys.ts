/** Queries on `api_keys`. The key itself is nowhere: only its hash is, and no query gives that out. */
import type { Queryable } from "./client.ts";

export interface ApiKey {
  readonly id: string;
  /** How the key begins. */
  readonly start: string;
  /** To one ingest process; null: as that is configured. */
  readonly requestsPerSecond: number | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export interface NewApiKey {
  readonly id: string;
  readonly hash: Buffer;
  readonly start: string;
  readonly requestsPerSecond: number | null;
}

function columns(sql: Queryable) {
  return sql`id, key_start as start, requests_per_second as "requestsPerSecond",
    created_at as "createdAt", revoked_at as "revokedAt"`;
}

export interface KeyHolder extends Pick<ApiKey, "requestsPerSecond"> {
  readonly clientId: string;
}

/** Whose key this is; undefined: nobody's, or a revoked one. */
export async function findHolderOfKey(
  sql: Queryable,
  keyHash: Buffer,
): Promise<KeyHolder | undefined> {
  const [row] = await sql<KeyHolder[]>`
    select client_id as "clientId", requests_per_second as "requestsPerSecond" from api_keys
    where key_hash = ${keyHash} and revoked_at is null`;
  return row;
}

/** Undefined when there is no such client. */
export async function insertApiKey(
  sql: Queryable,
  clientId: string,
  key: NewApiKey,
): Promise<ApiKey | undefined> {
  const [row] = await sql<ApiKey[]>`
    insert into api_keys (id, client_id, key_hash, key_start, requests_per_second)
    select ${key.id}::uuid, id, ${key.hash}::bytea, ${key.start}, ${key.requestsPerSecond}::int
    from clients
    where id = ${clientId}
    returning ${columns(sql)}`;
  return row;
}

/** Newest first, revoked ones too. */
export async function listApiKeys(sql: Queryable, clientId: string): Promise<ApiKey[]> {
  return sql<ApiKey[]>`
    select ${columns(sql)} from api_keys where client_id = ${clientId} order by id desc`;
}

/** It opens nothing from here on. A key keeps the time of its first revocation; undefined: no such key. */
export async function revokeApiKey(
  sql: Queryable,
  key: { readonly id: string; readonly clientId: string },
): Promise<ApiKey | undefined> {
  const [row] = await sql<ApiKey[]>`
    update api_keys set revoked_at = coalesce(revoked_at, now())
    where id = ${key.id} and client_id = ${key.clientId}
    returning ${columns(sql)}`;
  return row;
}
