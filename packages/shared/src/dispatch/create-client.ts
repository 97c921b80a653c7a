/**
 * Makes clients and their keys. A key leaves this process once, as the answer of the call that made it:
 * what is kept is its hash, and a lost key can only be replaced.
 */
import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { API_KEY_BYTES, formatApiKey, hashApiKey, startOfApiKey } from "../core/api-key.ts";
import { insertApiKey, type ApiKey } from "../db/api-keys.ts";
import { insertClient, type Client } from "../db/clients.ts";
import type { Sql } from "../db/client.ts";

export interface IssuedKey {
  readonly key: ApiKey;
  /** The key itself. */
  readonly apiKey: string;
}

export interface KeyWishes {
  readonly requestsPerSecond: number | null;
}

export async function createClient(
  sql: Sql,
  { name, ...wishes }: KeyWishes & { readonly name: string },
): Promise<IssuedKey & { readonly client: Client }> {
  const { apiKey, row } = drawKey(wishes);
  const { client, key } = await insertClient(sql, { id: uuidv7(), name }, row);
  return { client, key, apiKey };
}

/** Undefined when there is no such client. */
export async function createApiKey(
  sql: Sql,
  { clientId, ...wishes }: KeyWishes & { readonly clientId: string },
): Promise<IssuedKey | undefined> {
  const { apiKey, row } = drawKey(wishes);
  const key = await insertApiKey(sql, clientId, row);
  return key && { key, apiKey };
}

function drawKey({ requestsPerSecond }: KeyWishes) {
  const apiKey = formatApiKey(randomBytes(API_KEY_BYTES));
  return {
    apiKey,
    row: {
      id: uuidv7(),
      hash: hashApiKey(apiKey),
      start: startOfApiKey(apiKey),
      requestsPerSecond,
    },
  };
}
