/** What the rows of one take have in common, and their places in a line. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint } from "../testing/factories.ts";
import { insertMessage, outboxDeps } from "../testing/outbox.ts";
import { takeOutbox } from "./outbox.ts";
import type { OutboxDeps } from "./outbox-batch.ts";

let database: TestDatabase;
let deps: OutboxDeps;
const statements: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  deps = outboxDeps(database.sql, (error) => {
    throw error;
  });
  Object.assign(database.sql.options, {
    debug: (_connection: number, text: string) => statements.push(text),
  });
});
afterAll(() => database[Symbol.asyncDispose]());

async function subscribed(eventType: string, ordered = false): Promise<string> {
  const { sql } = database;
  const id = await insertEndpoint(sql, { ordered });
  await sql`update webhook_endpoints set event_types = ${[eventType]} where id = ${id}`;
  return id;
}

/** How many statements about endpoints a take of these rows makes. */
async function statementsFor(rows: readonly Readonly<Record<string, unknown>>[]): Promise<number> {
  for (const row of rows) await insertMessage(database.sql, row);
  statements.length = 0;
  expect((await takeOutbox(deps)).taken).toHaveLength(rows.length);
  return statements.filter((text) => text.includes("webhook_endpoints")).length;
}

// Every row asked up to three times while all others waited for the lock.
it("asks about endpoints as often for twenty rows as for two", async () => {
  const eventType = `of.${randomUUID()}`;
  const named = await subscribed("none", true);
  await subscribed(eventType);
  for (const row of [{ endpoint_id: named }, { event_type: eventType }]) {
    const ofTwo = await statementsFor(Array.from({ length: 2 }, () => row));
    expect(await statementsFor(Array.from({ length: 20 }, () => row))).toBe(ofTwo);
  }
});

it("gives places in a line in the order of the rows, whatever they are", async () => {
  const { sql } = database;
  const eventType = `of.${randomUUID()}`;
  const endpointId = await subscribed(eventType, true);
  const rows = [
    { endpoint_id: endpointId },
    { endpoint_id: endpointId },
    { event_type: eventType },
    { endpoint_id: endpointId },
    { event_type: eventType },
    { event_type: eventType },
    { endpoint_id: endpointId },
  ];
  const ids: string[] = [];
  for (const row of rows) ids.push(await insertMessage(sql, row));
  await takeOutbox(deps);
  const line = await sql<{ id: string; orderNo: string }[]>`
    select outbox_message_id as id, order_no::text as "orderNo" from webhook_deliveries
    where endpoint_id = ${endpointId} order by order_no`;
  expect(line.map(({ id, orderNo }) => [id, orderNo])).toEqual(
    ids.map((id, at) => [id, String(at + 1)]),
  );
});
