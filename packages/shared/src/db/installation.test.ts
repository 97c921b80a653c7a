import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { readQueuePrefix } from "./installation.ts";

let databases: TestDatabase[];
beforeAll(async () => {
  databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
});
afterAll(() => Promise.all(databases.map((one) => one[Symbol.asyncDispose]())));

it("the prefix is one for all processes of an installation, also when they ask at once", async () => {
  const [{ sql } = { sql: undefined }] = databases;
  if (sql === undefined) throw new Error("no database");
  const prefixes = await Promise.all(Array.from({ length: 8 }, () => readQueuePrefix(sql)));
  expect(new Set(prefixes).size).toBe(1);
  expect(prefixes[0]).toMatch(/^webhook-delivery-[0-9a-f]{12}$/);
});

it("the prefix differs by database, also in a copy that has the same row", async () => {
  const [original, copy] = databases;
  if (original === undefined || copy === undefined) throw new Error("no databases");
  const prefix = await readQueuePrefix(original.sql);
  const [row] = await original.sql<{ id: string }[]>`select id from installation`;
  await copy.sql`insert into installation (id) values (${row?.id ?? null})`;
  expect(await readQueuePrefix(copy.sql)).not.toBe(prefix);
});
