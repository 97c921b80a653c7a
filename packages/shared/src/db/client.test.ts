import { expect, it } from "vitest";
import { createTestDatabase } from "../testing/database.ts";
import {
  connectDatabase,
  inTransaction,
  isConnectionLost,
  isDatabaseUnavailable,
} from "./client.ts";

// A connection that the server ended inside a transaction was rolled back and released all the same:
// postgres.js then wrote to a socket that was null, which ended the process.
it("leaves a connection that is lost in a transaction to the pool", async () => {
  await using database = await createTestDatabase();
  const sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 1 });
  try {
    const lost = inTransaction(sql, async (tx) => {
      await tx`create table never ()`;
      await tx`select pg_terminate_backend(pg_backend_pid())`;
    });
    await expect(lost).rejects.toSatisfy(isDatabaseUnavailable);
    const isBack = async () => inTransaction(sql, (tx) => tx`select to_regclass('never') as never`);
    // postgres.js tells the next one on that connection of the old error once more.
    const [row] = await isBack().catch(isBack);
    expect(row).toEqual({ never: null });
  } finally {
    await sql.end({ timeout: 1 });
  }
});

// PostgreSQL cuts off a transaction in which nothing is said: here by a process that was busy.
it("takes a transaction that was cut off for its silence for a passing trouble", async () => {
  await using database = await createTestDatabase();
  const sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 1 });
  try {
    const cutOff = inTransaction(sql, async (tx) => {
      await tx`set local idle_in_transaction_session_timeout = '50ms'`;
      const until = performance.now() + 500;
      while (performance.now() < until);
      await tx`select`;
    });
    await expect(cutOff).rejects.toSatisfy(isConnectionLost);
    const isBack = async () => inTransaction(sql, (tx) => tx`select 1 as one`);
    const [row] = await isBack().catch((error: unknown) => {
      expect(error).toSatisfy(isDatabaseUnavailable);
      return isBack();
    });
    expect(row).toEqual({ one: 1 });
  } finally {
    await sql.end({ timeout: 1 });
  }
});

it("gives the connection back after a statement that failed, with nothing of it left", async () => {
  await using database = await createTestDatabase();
  const sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 1 });
  try {
    const failed = inTransaction(sql, async (tx) => {
      await tx`create table never ()`;
      await tx`select 1 / 0`;
    });
    await expect(failed).rejects.toMatchObject({ code: "22012" });
    const [row] = await inTransaction(sql, (tx) => tx`select to_regclass('never') as never`);
    expect(row).toEqual({ never: null });
  } finally {
    await sql.end({ timeout: 1 });
  }
});
