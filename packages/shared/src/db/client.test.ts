import { expect, it } from "vitest";
import { createTestDatabase } from "../testing/database.ts";
import {
  connectDatabase,
  inTransaction,
  isConnectionLost,
  isDatabaseAway,
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

// Incident: a statement that PostgreSQL had cut off was taken for our own fault: ingest said 500, and the
// worker forgot an attempt that was made.
it.each([
  ["57014", "set local statement_timeout = '10ms'", "select pg_sleep(5)"],
  ["55P03", "set local lock_timeout = '10ms'", "lock table held"],
  ["40001", "set transaction isolation level serializable", "update held set n = n + 1"],
])("takes %s for a passing trouble of one statement", async (code, first, second) => {
  await using database = await createTestDatabase();
  const { sql } = database;
  await sql`create table held as select 1 as n`;
  const cutOff = (): Promise<void> =>
    inTransaction(sql, async (tx) => {
      await tx.unsafe(first);
      if (code === "40001") await tx`select n from held`;
      if (code === "40001") await sql`update held set n = n + 1`;
      await tx.unsafe(second);
    });
  const failed = inTransaction(sql, async (other) => {
    if (code === "55P03") await other`lock table held`;
    await cutOff();
  });
  await expect(failed).rejects.toMatchObject({ code });
  await expect(failed).rejects.toSatisfy(isDatabaseUnavailable);
  await expect(failed).rejects.not.toSatisfy(isDatabaseAway);
});

it("takes a deadlock for a passing trouble of one statement", async () => {
  await using database = await createTestDatabase();
  const { sql } = database;
  await sql`create table held as select unnest(array[1, 2]) as n`;
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const lock = (first: number, second: number) =>
    inTransaction(sql, async (tx) => {
      await tx`set local deadlock_timeout = '10ms'`;
      await tx`select from held where n = ${first} for update`;
      both[first === 1 ? 0 : 1].resolve();
      await Promise.all(both.map(({ promise }) => promise));
      await tx`select from held where n = ${second} for update`;
    });
  const results = await Promise.allSettled([lock(1, 2), lock(2, 1)]);
  const errors = results.flatMap((one) =>
    one.status === "rejected" ? [one.reason as unknown] : [],
  );
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ code: "40P01" });
  expect(errors[0]).toSatisfy(isDatabaseUnavailable);
  expect(errors[0]).not.toSatisfy(isDatabaseAway);
});
