import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  boxStart,
  endpointPlace,
  NONCE_BYTES,
  open,
  parseEncryptionKey,
  seal,
  secretPlace,
  type EncryptionKey,
  type SecretPlace,
} from "../core/secret-box.ts";
import { insertDeliveries } from "../db/deliveries.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { encryptionKey, newDelivery } from "../testing/factories.ts";
import { rotateSecrets } from "./rotate-secrets.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

function newKey(): EncryptionKey {
  const key = parseEncryptionKey(encryptionKey());
  if (key === undefined) throw new Error("a key was not one");
  return key;
}

const [older, old, first, lost] = [newKey(), newKey(), newKey(), newKey()];

function sealed(key: EncryptionKey, place: SecretPlace, text: string): Buffer {
  return seal([key], place, text, randomBytes(NONCE_BYTES));
}

async function deliveryWith(key: EncryptionKey, text: string): Promise<string> {
  const row = newDelivery();
  const secretEncrypted = sealed(key, secretPlace(row.id), text);
  await insertDeliveries(database.sql, [{ ...row, secretEncrypted }]);
  return row.id;
}

async function boxOf(id: string): Promise<Buffer> {
  const [row] = await database.sql<{ box: Buffer }[]>`
    select secret_encrypted as box from webhook_deliveries where id = ${id}`;
  if (row === undefined) throw new Error("no such row");
  return row.box;
}

it("seals everything with the first key, whatever key it was sealed with, and reports what none opens", async () => {
  const { sql } = database;
  const many = await Promise.all(
    Array.from({ length: 450 }, (_, n) => deliveryWith(n % 2 === 0 ? old : older, `secret ${n}`)),
  );
  const already = await deliveryWith(first, "already");
  const before = await boxOf(already);
  const foreign = await deliveryWith(lost, "lost");
  const moved = await deliveryWith(old, "moved");
  await sql`
    update webhook_deliveries set secret_encrypted = ${await boxOf(many[0] ?? "")} where id = ${moved}`;
  const endpointId = randomUUID();
  const headers = sealed(old, endpointPlace(endpointId, "headers"), "the headers");
  await sql`
    insert into webhook_endpoints
      (id, url, secrets_encrypted, headers_encrypted, tls_encrypted, tls_parts)
    values (${endpointId}, 'https://example.com/',
      ${sealed(older, endpointPlace(endpointId, "secrets"), "the secrets")}, ${headers},
      ${sealed(old, endpointPlace(endpointId, "tls"), "the TLS")}, '{ca}')`;

  const rotated = await rotateSecrets(sql, [first, old, older]);
  expect(rotated.resealed).toBe(453);
  expect(rotated.unreadable.toSorted()).toEqual([foreign, moved].map(secretPlace).toSorted());

  for (const [n, id] of many.entries()) {
    const box = await boxOf(id);
    expect(open([first], secretPlace(id), box)).toBe(`secret ${n}`);
    expect(box.subarray(0, 5)).toEqual(boxStart(first));
  }
  expect(await boxOf(already)).toEqual(before);
  const [endpoint] = await sql<{ secrets: Buffer; headers: Buffer; tls: Buffer }[]>`
    select secrets_encrypted as secrets, headers_encrypted as headers, tls_encrypted as tls
    from webhook_endpoints`;
  if (endpoint === undefined) throw new Error("no such endpoint");
  expect(open([first], endpointPlace(endpointId, "secrets"), endpoint.secrets)).toBe("the secrets");
  expect(open([first], endpointPlace(endpointId, "headers"), endpoint.headers)).toBe("the headers");
  expect(open([first], endpointPlace(endpointId, "tls"), endpoint.tls)).toBe("the TLS");

  expect(await rotateSecrets(sql, [first, old, older])).toMatchObject({ resealed: 0 });
});
