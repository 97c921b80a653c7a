import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../paths.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { connectDatabase } from "./client.ts";
import { migrate, pendingMigrations } from "./migrate.ts";

const MIGRATE_SCRIPT = fileURLToPath(new URL("../../../../scripts/migrate.ts", import.meta.url));
let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase({ isEmpty: true });
  folder = await mkdtemp(join(tmpdir(), "migrations-"));
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFile(join(folder, name), text);

async function tables(): Promise<string[]> {
  const rows = await database.sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'`;
  return rows.map(({ name }) => name).sort();
}

describe("migrate", () => {
  it("applies the product's own migrations, and nothing the second time", async () => {
    const pending = await pendingMigrations(database.sql, MIGRATIONS_FOLDER);
    expect(pending.length).toBeGreaterThan(0);
    expect(await migrate(database.sql, MIGRATIONS_FOLDER)).toEqual(pending);
    expect(await tables()).toContain("webhook_deliveries");
    expect(await migrate(database.sql, MIGRATIONS_FOLDER)).toEqual([]);
    expect(await pendingMigrations(database.sql, MIGRATIONS_FOLDER)).toEqual([]);
  });

  it("applies each once when two processes run at the same time", async () => {
    const runs = await Promise.all([runScript(database.url), runScript(database.url)]);
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: "" },
      { code: 0, stderr: "" },
    ]);
    expect(await pendingMigrations(database.sql, MIGRATIONS_FOLDER)).toEqual([]);
  });

  it("applies each once when ten connections run at the same time", async () => {
    await cp(MIGRATIONS_FOLDER, folder, { recursive: true });
    await write("9998_one.sql", "create table one (id int);");
    await write("9999_two.sql", "create table two (id int);");
    const sql = connectDatabase({
      url: database.url,
      applicationName: "tests",
      maxConnections: 10,
    });
    const applied = await Promise.all(Array.from({ length: 10 }, () => migrate(sql, folder)));
    await sql.end();
    const names = applied.flat().sort();
    expect(names).toEqual([...new Set(names)]);
    expect(names.slice(-2)).toEqual(["9998_one.sql", "9999_two.sql"]);
  });

  it("runs in the order of the numbers and leaves other files alone", async () => {
    await write("0002_second.sql", "insert into first values (2);");
    await write("0001_first.sql", "create table first (id int);");
    await write("schema.sql", "syntax error");
    await write("README.md", "no SQL");
    await write("0003-wrong-name.sql", "syntax error");
    expect(await migrate(database.sql, folder)).toEqual(["0001_first.sql", "0002_second.sql"]);
    await write("0003_third.sql", "insert into first values (3);");
    expect(await pendingMigrations(database.sql, folder)).toEqual(["0003_third.sql"]);
    expect(await migrate(database.sql, folder)).toEqual(["0003_third.sql"]);
  });

  it("refuses to go on when an applied migration was changed", async () => {
    await write("0001_first.sql", "create table first (id int);");
    await migrate(database.sql, folder);
    await write("0001_first.sql", "create table first (id bigint);");
    await write("0002_second.sql", "create table second (id int);");
    await expect(migrate(database.sql, folder)).rejects.toThrow(
      "migration 0001_first.sql was changed after it had been applied",
    );
    expect(await tables()).toEqual(["first", "schema_migrations"]);
  });

  it("leaves nothing of a migration that fails halfway, keeps those before, and can go on", async () => {
    await write("0001_first.sql", "create table first (id int);");
    await write("0002_second.sql", "create table second (id int); select 1/0;");
    await expect(migrate(database.sql, folder)).rejects.toMatchObject({ code: "22012" });
    expect(await tables()).toEqual(["first", "schema_migrations"]);
    expect(await pendingMigrations(database.sql, folder)).toEqual(["0002_second.sql"]);
    await write("0002_second.sql", "create table second (id int);");
    expect(await migrate(database.sql, folder)).toEqual(["0002_second.sql"]);
  });
});

// Incident: a stack, or a service that started and then answered 500 to whatever was not ASCII.
describe.each(["SQL_ASCII", "LATIN1"])("a database in %s", (encoding) => {
  it("is refused plainly, and left empty", async () => {
    await using other = await createTestDatabase({ encoding });
    const { code, stderr } = await runScript(other.url);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `^The database "test_\\w+" is encoded in ${encoding}, and the service needs UTF8.*\\n$`,
      ),
    );
    const rows =
      await other.sql`select from information_schema.tables where table_schema = 'public'`;
    expect(rows).toHaveLength(0);
  });
});

async function runScript(databaseUrl: string): Promise<{ code: unknown; stderr: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", MIGRATE_SCRIPT], {
    env: { ...process.env, DATABASE_URL: databaseUrl, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [unknown];
  return { code, stderr };
}
