import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../paths.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { connectDatabase, inTransaction, type Sql } from "./client.ts";
import { migrate } from "./migrate.ts";
import { written } from "./stats.fixture.ts";

// Incident: pg_restore --data-only, and a statement by hand under an empty search_path, ended in "relation
// does not exist".
describe.each(["public", "An app's own"])("the functions in the schema %s", (schema) => {
  let database: TestDatabase;
  let sql: Sql;
  beforeAll(async () => {
    database = await createTestDatabase({ isEmpty: true });
    if (schema !== "public") await database.sql`create schema ${database.sql(schema)}`;
    sql = connectDatabase({
      url: `${database.url}?search_path=${encodeURIComponent(`"${schema}"`)}`,
      applicationName: "tests",
    });
    await migrate(sql, MIGRATIONS_FOLDER);
  });
  afterAll(async () => {
    await sql.end();
    await database[Symbol.asyncDispose]();
  });

  it("each know it", async () => {
    const functions = await sql<{ name: string; isBound: boolean; settings: string[] | null }[]>`
      select proname as name, prosqlbody is not null as "isBound", proconfig as settings
      from pg_proc where pronamespace = ${`"${schema}"`}::text::regnamespace`;
    expect(functions.length).toBeGreaterThan(10);
    const path = schema === "public" ? "public" : `"${schema}"`;
    const loose = functions.filter(
      ({ isBound, settings }) =>
        !isBound && settings?.includes(`search_path=${path}, pg_temp`) !== true,
    );
    // A new one belongs into a migration like 0012.
    expect(loose).toEqual([]);
  });

  it("do their work whatever the search_path of whoever writes is", async () => {
    const table = (name: string) => sql`${sql(schema)}.${sql(name)}`;
    await written(sql, { kind: "insert", rows: 30, seed: 1 });
    await written(sql, { kind: "claim", rows: 30, seed: 2 });
    await written(sql, { kind: "succeed", rows: 20, seed: 3 });
    await inTransaction(sql, async (tx) => {
      await tx`set local search_path = ''`;
      await tx`select ${table("enqueue_webhook")}('order.paid', '{}')`;
      await tx`
        update ${table("outbox_messages")} set status = 'failed', taken_at = now(), mirrored_at = now()`;
      await tx`update ${table("outbox_messages")} set status = 'queued'`;
      await tx`
        update ${table("webhook_deliveries")}
        set outbox_message_id = (select id from ${table("outbox_messages")}), status = 'pending',
          claim_id = null, worker_id = null, delivered_at = null, next_retry_at = now()
        where status = 'success'`;
      await tx`delete from ${table("webhook_delivery_logs")}`;
      await tx`
        update ${table("webhook_deliveries")}
        set status = 'cancelled', next_retry_at = null, held = false where status = 'pending'`;
    });
    const [counted] = await sql`
      select sum(total)::int as total, sum(success)::int as success, sum(cancelled)::int as cancelled
      from delivery_stat_deltas`;
    expect(counted).toMatchObject({ total: 30, success: 0, cancelled: 20 });
    const [notes] = await sql`select count(*)::int as count from outbox_notes`;
    expect(notes?.["count"]).toBeGreaterThan(0);
    await inTransaction(sql, async (tx) => {
      await tx`set local search_path = ''`;
      await tx`delete from ${table("webhook_deliveries")}`;
      await tx`truncate ${table("webhook_deliveries")} cascade`;
    });
    expect(await sql`select from delivery_stat_deltas`).toHaveLength(0);
  });
});
