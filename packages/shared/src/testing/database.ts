/** A database of its own for a suite: cloned from the migrated template, dropped at the end. */
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { connectDatabase, type Sql } from "../db/client.ts";

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly sql: Sql;
}

export interface TestDatabaseOptions {
  /** Without any table, as a server is that nobody migrated yet. */
  readonly isEmpty?: boolean;
  /** As well as `isEmpty`, and not in UTF8. */
  readonly encoding?: string;
}

export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { postgresUrl, templateDatabase } = inject("servers");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const { isEmpty = false, encoding } = options;
  const template = isEmpty || encoding !== undefined ? "template0" : templateDatabase;
  const how = encoding === undefined ? "" : `encoding '${encoding}' locale 'C'`;
  await administer(postgresUrl, `create database ${name} template ${template} ${how}`);
  const url = postgresUrl.replace(/[^/]*$/, name);
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 4 });
  return {
    url,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 5 });
      // Services that a failed test left running are still connected.
      await administer(postgresUrl, `drop database ${name} with (force)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 1 });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
