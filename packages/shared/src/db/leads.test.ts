import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { connectDatabase } from "./client.ts";
import { findLead, findLeadRecord, upsertLead, upsertLeadRecord } from "./leads.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

describe.each([
  ["the operator's", null],
  ["a client's", randomUUID()],
])("%s lead", (_whose, clientId) => {
  it("is made, then changed where fields are given", async () => {
    const key = { id: "changing", clientId };
    await upsertLead(database.sql, key, { email: "a@example.com", company: "Before" });
    const changed = await upsertLead(database.sql, key, { company: "After", title: undefined });
    expect(changed).toMatchObject({ email: "a@example.com", company: "After", title: null });
    expect(await findLead(database.sql, key)).toEqual(changed);
    expect(await database.sql`select client_id from leads where ${key.id} = id`).toContainEqual({
      client_id: clientId,
    });
  });

  it("is one lead when it is written twenty times at once", async () => {
    const key = { id: "contended", clientId };
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    await Promise.all(
      numbers.map((number) =>
        upsertLead(database.sql, key, { customFields: { [`field${number}`]: number } }),
      ),
    );
    const lead = await findLead(database.sql, key);
    expect(Object.keys(lead?.customFields ?? {})).toHaveLength(20);
  });

  it("loses all its custom fields to null, and only to null", async () => {
    const key = { id: "custom", clientId };
    const fieldsAfter = async (customFields: Record<string, unknown> | null | undefined) =>
      (await upsertLead(database.sql, key, { customFields })).customFields;
    expect(await fieldsAfter({ a: 1 })).toEqual({ a: 1 });
    expect(await fieldsAfter(undefined)).toEqual({ a: 1 });
    expect(await fieldsAfter({ b: null })).toEqual({ a: 1, b: null });
    expect(await fieldsAfter(null)).toEqual({});
  });

  it("is nobody else's", async () => {
    await upsertLead(database.sql, { id: "own", clientId }, { company: "Own" });
    const stranger = randomUUID();
    expect(await findLead(database.sql, { id: "own", clientId: stranger })).toBeUndefined();
    await upsertLead(database.sql, { id: "own", clientId: stranger }, { company: "Another" });
    expect(await findLead(database.sql, { id: "own", clientId })).toMatchObject({ company: "Own" });
  });

  it("tells when it was written beside what receivers get", async () => {
    const key = { id: "record", clientId };
    const written = await upsertLeadRecord(database.sql, key, { source: "import" });
    expect(await findLeadRecord(database.sql, key)).toEqual(written);
    expect(written).toMatchObject({ status: null, lead: { source: "import" } });
    expect(written.updatedAt).toBeInstanceOf(Date);
    const { lead } = written;
    expect(Object.keys(lead)).not.toContain("status");
  });
});

// The first came back as 2001.
it.each([
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ["0099-12-31T23:59:59-01:00", "0100-01-01T00:59:59.000Z"],
  ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
])("keeps when it was captured: %s", async (capturedAt, iso) => {
  const key = { id: "old", clientId: null };
  expect((await upsertLead(database.sql, key, { capturedAt })).capturedAt).toBe(iso);
  expect((await findLead(database.sql, key))?.capturedAt).toBe(iso);
  const changed = await upsertLead(database.sql, key, { company: "Same" });
  expect(changed.capturedAt).toBe(iso);
});

it.each(["UTC", "Europe/Berlin", "Asia/Kolkata"])(
  "is read whatever SQL wrote into it, in the zone %s",
  async (zone) => {
    const { sql } = database;
    const key = { id: "by-sql", clientId: null };
    await upsertLead(sql, key, {});
    const [{ name } = { name: "" }] = await sql<
      { name: string }[]
    >`select current_database() as name`;
    await sql.unsafe(`alter database "${name}" set timezone = '${zone}'`);
    await using other = await connectAgain();
    for (const [written, iso] of [
      ["0044-03-15 12:00:00+00 BC", "-000043-03-15T12:00:00.000Z"],
      ["0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000Z"],
      ["infinity", "+275760-09-13T00:00:00.000Z"],
      ["-infinity", "-271821-04-20T00:00:00.000Z"],
    ] as const) {
      await sql`
        update leads set captured_at = ${written}::text::timestamptz, created_at = ${written}::text::timestamptz
        where id = ${key.id}`;
      const found = await findLeadRecord(other.sql, key);
      expect([found?.lead.capturedAt, found?.createdAt.toISOString()]).toEqual([iso, iso]);
      await upsertLead(other.sql, key, { company: zone });
    }
  },
);

async function connectAgain() {
  const sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 1 });
  return { sql, [Symbol.asyncDispose]: () => sql.end() };
}
