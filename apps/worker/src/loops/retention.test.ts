import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { smallestIdAt } from "@webhook-delivery/shared/core/ids.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { RETENTION_EVERY_MS, retentionOnce } from "./retention.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.sql`delete from webhook_deliveries`);
afterAll(() => database[Symbol.asyncDispose]());

const log = createLog("worker", "fatal");

async function insert(rows: number, ageDays: number): Promise<void> {
  const at = new Date(Date.now() - ageDays * 86_400_000);
  await database.sql`
    insert into webhook_deliveries
      (id, event_type, webhook_url, payload, body, format, max_attempts, status, delivered_at,
       created_at, updated_at)
    select (${smallestIdAt(at).slice(0, 13)}::text || substr(gen_random_uuid()::text, 14))::uuid, 'x', 'https://example.com/', '{}', '{}', 'raw', 4, 'success', ${at}, ${at}, ${at}
    from generate_series(1, ${rows})`;
}

async function count(): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from webhook_deliveries`;
  return row?.count ?? 0;
}

const once = (RETENTION_DAYS: number) =>
  retentionOnce({ sql: database.sql, config: { RETENTION_DAYS }, log });

it("removes what is older than RETENTION_DAYS, in as many steps as it takes, and rests", async () => {
  await insert(4_500, 8);
  await insert(3, 6);
  expect(await once(7)).toBe(RETENTION_EVERY_MS);
  expect(await count()).toBe(3);
});

it("keeps everything for ever when RETENTION_DAYS is 0", async () => {
  await insert(2, 4_000);
  expect(await once(0)).toBe(RETENTION_EVERY_MS);
  expect(await count()).toBe(2);
});
