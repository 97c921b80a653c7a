/** Queries on `clients`. */
import type { ApiKey, NewApiKey } from "./api-keys.ts";
import type { Queryable } from "./client.ts";

export interface Client {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

/** Counting stops here. */
export const CLIENTS_CAP = 10_000;

function columns(sql: Queryable) {
  return sql`id, name, created_at as "createdAt"`;
}

/** The client and its first key, both or neither. */
export async function insertClient(
  sql: Queryable,
  client: { readonly id: string; readonly name: string },
  key: NewApiKey,
): Promise<{ client: Client; key: ApiKey }> {
  const [row] = await sql<(Client & { keyId: string; start: string; keyCreatedAt: Date })[]>`
    with client as (
      insert into clients (id, name) values (${client.id}, ${client.name})
      returning ${columns(sql)}
    ), first_key as (
      insert into api_keys (id, client_id, key_hash, key_start, requests_per_second)
      select ${key.id}::uuid, id, ${key.hash}::bytea, ${key.start}, ${key.requestsPerSecond}::int
      from client
      returning id as "keyId", key_start as start, created_at as "keyCreatedAt"
    )
    select * from client, first_key`;
  if (row === undefined) throw new Error("the insert of a client returned no row");
  const { keyId, start, keyCreatedAt, ...inserted } = row;
  return {
    client: inserted,
    key: {
      id: keyId,
      start,
      requestsPerSecond: key.requestsPerSecond,
      createdAt: keyCreatedAt,
      revokedAt: null,
    },
  };
}

export async function findClient(sql: Queryable, id: string): Promise<Client | undefined> {
  const [row] = await sql<Client[]>`select ${columns(sql)} from clients where id = ${id}`;
  return row;
}

export async function renameClient(
  sql: Queryable,
  id: string,
  name: string,
): Promise<Client | undefined> {
  const [row] = await sql<Client[]>`
    update clients set name = ${name} where id = ${id} returning ${columns(sql)}`;
  return row;
}

/** Newest first. `beforeId`: only clients made before that one. */
export async function listClients(
  sql: Queryable,
  page: { readonly limit: number; readonly beforeId: string | undefined },
): Promise<Client[]> {
  const before = page.beforeId === undefined ? sql`` : sql`where id < ${page.beforeId}`;
  return sql<Client[]>`
    select ${columns(sql)} from clients ${before} order by id desc limit ${page.limit}`;
}

/** Exact up to CLIENTS_CAP; CLIENTS_CAP + 1 means "more". */
export async function countClients(sql: Queryable): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (select 1 from clients limit ${CLIENTS_CAP + 1}) as capped`;
  return row?.count ?? 0;
}
