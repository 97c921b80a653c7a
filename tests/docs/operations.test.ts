/** Backup and restore as docs/operations.md has them, with the real pg_dump and pg_restore. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectDatabase, inTransaction, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { foldStatDeltas } from "@webhook-delivery/shared/db/stat-rollup.ts";
import { written } from "@webhook-delivery/shared/db/stats.fixture.ts";
import { insertEndpoint } from "@webhook-delivery/shared/testing/factories.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import {
  findOwnPostgres,
  startOwnPostgres,
  type OwnPostgres,
} from "@webhook-delivery/shared/testing/own-postgres.ts";
import { codeBlocks } from "./code-blocks.ts";

const run = promisify(execFile);
const programs = await findOwnPostgres();
let folder: string;
let server: OwnPostgres;
let blocks: readonly string[];

beforeAll(async () => {
  if (programs === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "operations-"));
  server = await startOwnPostgres(programs);
  blocks = await codeBlocks("docs/operations.md", "sh");
});
afterAll(async () => {
  if (programs === undefined) return;
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function createDatabase(name: string, owner = "postgres"): Promise<string> {
  const sql = connectDatabase({ url: server.url, applicationName: "tests", maxConnections: 1 });
  await sql.unsafe(`create database ${name} owner ${owner}`);
  await sql.end();
  return server.url.replace("//postgres@", `//${owner}@`).replace(/[^/]*$/, name);
}

/** The page's commands that begin with this comment. */
async function runBlock(comment: string, env: Readonly<Record<string, string>>): Promise<void> {
  const block = blocks.find((each) => each.startsWith(`# ${comment}\n`));
  // Migrated by the test itself: a process of its own would take longer than all the rest.
  const commands = String(block).replace(/^.*pnpm@12 migrate$/m, "");
  await run("sh", ["-e", "-c", commands], {
    cwd: folder,
    env: { ...env, PATH: `${server.programs}:/usr/bin:/bin` },
  });
}

async function createMigrated(name: string, owner?: string): Promise<string> {
  const url = await createDatabase(name, owner);
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 1 });
  await migrate(sql, MIGRATIONS_FOLDER);
  await sql.end();
  return url;
}

/** Every kind of row, some statistics folded and some not. */
async function fill(sql: Sql): Promise<void> {
  await sql.unsafe(`
    insert into clients (id, name) values (gen_random_uuid(), 'Grüße');
    insert into leads (id, email) values ('l1', 'a@example.com');
    select enqueue_webhook('order.paid', '{"a": 1}');`);
  await insertEndpoint(sql, { ordered: true });
  await written(sql, { kind: "insert", rows: 200, seed: 1 });
  await written(sql, { kind: "claim", rows: 120, seed: 2 });
  await written(sql, { kind: "succeed", rows: 80, seed: 3 });
  await foldStatDeltas(sql);
  await written(sql, { kind: "fail", rows: 30, seed: 4 });
  await written(sql, { kind: "delete", rows: 20, seed: 5 });
  await sql`
    update webhook_deliveries set outbox_message_id = (select id from outbox_messages)
    where id = (select id from webhook_deliveries where status = 'pending' limit 1)`;
}

const COUNTED_AGAIN = new Set([
  "delivery_stat_deltas",
  "delivery_stats",
  "delivery_totals",
  "attempt_latency",
  "attempt_latency_deltas",
  // Written again: it tells a worker to look.
  "outbox_notes",
  "schema_migrations",
]);

/** Every row of every table of ours, as JSON, and what the statistics say. */
async function contentOf(url: string, schema = "public"): Promise<unknown> {
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 1 });
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = ${schema} and table_type = 'BASE TABLE' order by 1`;
  const content: Record<string, unknown> = {};
  for (const { name } of tables) {
    if (COUNTED_AGAIN.has(name)) continue;
    const rows =
      await sql`select to_jsonb(one)::text as text from ${sql(schema)}.${sql(name)} as one`;
    content[name] = rows.map((row) => String(row["text"])).toSorted();
  }
  const [counted] = await sql`
    select sum(total)::int as total, sum(success)::int as success, sum(failed)::int as failed
    from (
      select total, success, failed from ${sql(schema)}.delivery_stat_deltas
      union all
      select total, success, failed from ${sql(schema)}.delivery_totals
      where scope_id = '00000000-0000-0000-0000-000000000000'
    ) as noted`;
  await sql.end();
  return { ...content, counted };
}

describe.skipIf(programs === undefined)("a backup as in docs/operations.md", () => {
  let original: string;
  let expected: unknown;
  beforeAll(async () => {
    original = await createMigrated("original");
    const sql = connectDatabase({ url: original, applicationName: "tests", maxConnections: 1 });
    await fill(sql);
    await sql.unsafe("create role modest login");
    await sql.end();
    expected = await contentOf(original);
    await runBlock("backup", { DATABASE_URL: original });
  });

  test("is restored in full", async () => {
    expect(expected).toMatchObject({ counted: { total: 180 } });
    const copy = await createDatabase("full_copy");
    await runBlock("full restore", { NEW_DATABASE_URL: copy });
    expect(await contentOf(copy)).toEqual(expected);
    await worksOn(copy);
  });

  test("of the data alone is restored by somebody who is no superuser", async () => {
    await runBlock("data-only backup", { DATABASE_URL: original });
    const copy = await createMigrated("data_copy", "modest");
    await runBlock("data-only restore", { NEW_DATABASE_URL: copy });
    expect(await contentOf(copy)).toEqual(expected);
    await worksOn(copy);
  });

  test("in full gives its data alone to a superuser", async () => {
    const copy = await createMigrated("data_of_full_copy");
    await runBlock("data of a full backup", { NEW_DATABASE_URL: copy });
    expect(await contentOf(copy)).toEqual(expected);
    await worksOn(copy);
  });
});

/** Writes of every kind, the last ones as an administrator's. */
async function worksOn(url: string): Promise<void> {
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 2 });
  expect(await migrate(sql, MIGRATIONS_FOLDER)).toEqual([]);
  await written(sql, { kind: "insert", rows: 20, seed: 11 });
  await written(sql, { kind: "claim", rows: 10, seed: 12 });
  await written(sql, { kind: "succeed", rows: 10, seed: 13 });
  await foldStatDeltas(sql);
  await inTransaction(sql, async (tx) => {
    await tx`set local search_path = ''`;
    await tx`delete from public.webhook_deliveries`;
    await tx`delete from public.outbox_messages`;
  });
  expect(await contentOf(url)).toMatchObject({
    counted: { total: 0, success: 0, failed: 0 },
    webhook_deliveries: [],
    webhook_delivery_logs: [],
  });
  await sql.end();
}
