/**
 * Runs migrations/NNNN_name.sql in order, each in a transaction of its own together with its ledger
 * row. An advisory lock lets one process at a time through; a second one waits and finds nothing to
 * do. A merged file is never edited: its checksum is compared and a difference stops everything.
 * Killed halfway, the open migration rolls back and the next run starts with it.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { requireUtf8 } from "./encoding.ts";
import { inTransaction, type Queryable, type Sql } from "./client.ts";

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

// Any constant of ours; the same in every release, or two of them would not exclude each other.
const ADVISORY_LOCK = 7_268_455_190_114;
const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/;

/** Names of the migrations that were applied now. Throws an UnsuitableDatabaseError before it writes anything. */
export async function migrate(sql: Sql, folder: string): Promise<string[]> {
  await requireUtf8(sql);
  const migrations = await readMigrations(folder);
  const applied: string[] = [];
  // One connection for the lock and another for the work would need two; a transaction-scoped lock
  // around every file needs one and is freed however the process ends.
  for (const migration of migrations) {
    const isNew = await inTransaction(sql, (tx) => applyOnce(tx, migration));
    if (isNew) applied.push(migration.name);
  }
  return applied;
}

/** Names of the migrations in `folder` that the database does not have. */
export async function pendingMigrations(sql: Sql, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const [ledger] = await sql`select to_regclass('schema_migrations') is not null as exists`;
  if (!ledger?.["exists"]) return migrations.map(({ name }) => name);
  const rows = await sql<{ name: string }[]>`select name from schema_migrations`;
  const known = new Set(rows.map(({ name }) => name));
  return migrations.map(({ name }) => name).filter((name) => !known.has(name));
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return { name, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

async function applyOnce(tx: Queryable, { name, text, checksum }: Migration): Promise<boolean> {
  await tx`select pg_advisory_xact_lock(${ADVISORY_LOCK})`;
  await tx`
    create table if not exists schema_migrations (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`;
  const [known] = await tx<{ checksum: string }[]>`
    select checksum from schema_migrations where name = ${name}`;
  if (known !== undefined) {
    if (known.checksum === checksum) return false;
    throw new Error(
      `migration ${name} was changed after it had been applied; put it back and write a new one`,
    );
  }
  await tx.unsafe(text);
  await tx`insert into schema_migrations (name, checksum) values (${name}, ${checksum})`;
  return true;
}
