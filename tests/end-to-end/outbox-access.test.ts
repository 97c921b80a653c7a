/** The SQL that the documents tell people to run, run as it stands there. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inTransaction, type Queryable } from "@webhook-delivery/shared/db/client.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { insertMessage } from "@webhook-delivery/shared/testing/outbox.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** The block of SQL that begins with the comment `-- name`. */
function sqlIn(path: string, name: string): string {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const [, block] = new RegExp(`\`\`\`sql\\n-- ${name}\\n(.*?)\`\`\``, "s").exec(text) ?? [];
  if (block === undefined) throw new Error(`${path} has no SQL named ${name}`);
  return block;
}

/** Roles belong to the server that all suites share: one that is there already will do. */
async function makeRole(name: string): Promise<void> {
  await database.sql.unsafe(
    `do $$ begin create role ${name}; exception when duplicate_object or unique_violation then end $$`,
  );
}

async function as<T>(role: string, work: (tx: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(database.sql, async (tx) => {
    await tx.unsafe(`set local role ${role}`);
    return work(tx);
  });
}

test("an application's role can do what the documents say, and no more", async () => {
  const { sql } = database;
  await makeRole("your_application");
  await sql.unsafe(sqlIn("docs/outbox.md", "grants"));
  const id = await as("your_application", async (tx) => {
    const inserted = await insertMessage(tx, { event_type: "order.paid" });
    const [row] = await tx`select enqueue_webhook('order.paid', '{}', event_id => '4711') as id`;
    expect(row?.["id"]).toMatch(/^[0-9a-f-]{36}$/);
    return inserted;
  });
  await sql`
    update outbox_messages set status = 'failed', taken_at = now(), mirrored_at = now() where id = ${id}`;
  await as("your_application", async (tx) => {
    await tx`update outbox_messages set status = 'queued' where id = ${id}`;
    const [row] = await tx`select status, last_error from outbox_messages where id = ${id}`;
    expect(row).toEqual({ status: "queued", last_error: null });
  });
  const [row] = await sql`select taken_at from outbox_messages where id = ${id}`;
  expect(row).toEqual({ taken_at: null });
  for (const forbidden of [
    "select payload from outbox_messages",
    "delete from outbox_messages",
    "select from webhook_endpoints",
    "update outbox_messages set taken_at = now()",
  ]) {
    const trying = as("your_application", (tx) => tx.unsafe(forbidden));
    await expect(trying, forbidden).rejects.toThrow("permission denied");
  }
});

test("Supabase's public roles are shut out of every table", async () => {
  const { sql } = database;
  await Promise.all(["anon", "authenticated"].map(makeRole));
  await sql`grant all on all tables in schema public to anon, authenticated`;
  await sql.unsafe(sqlIn("examples/supabase.md", "close"));
  await sql.unsafe(sqlIn("examples/supabase.md", "close"));
  const open = await sql`
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
      and (not relrowsecurity or has_table_privilege('anon', oid, 'select, insert, update, delete'))`;
  expect(open.map((row) => row["relname"])).toEqual([]);
  const calling = as("anon", (tx) => tx`select enqueue_webhook('x', '{}')`);
  await expect(calling).rejects.toThrow("permission denied");
  // Its owner, as which the service connects, notices nothing.
  await insertMessage(sql, { event_type: "order.paid" });
});

test("a trigger on one's own table sends what happened to it", async () => {
  const { sql } = database;
  await sql`create table orders (id int, state text)`;
  await sql.unsafe(sqlIn("examples/supabase.md", "trigger"));
  await sql`insert into orders values (1, 'new')`;
  await sql`update orders set state = 'paid'`;
  const rows = await sql`
    select payload, event_id from outbox_messages where event_id like 'order-paid-%'`;
  expect([...rows]).toEqual([{ payload: { id: 1, state: "paid" }, event_id: "order-paid-1" }]);
});
