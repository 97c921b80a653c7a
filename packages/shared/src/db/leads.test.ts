import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
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
