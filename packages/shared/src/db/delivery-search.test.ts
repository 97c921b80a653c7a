import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { countFound, findNewest } from "./delivery-search.ts";
import { CLIENTS, written } from "./stats.fixture.ts";

let database: TestDatabase;
let rows: readonly Row[];
beforeAll(async () => {
  database = await createTestDatabase();
  await written(database.sql, { kind: "insert", rows: 200, seed: 5 });
  await database.sql`
    with numbered as (select id, row_number() over (order by id) as n from webhook_deliveries)
    update webhook_deliveries as delivery
    set lead_id = case when n % 3 = 0 then 'lead-' || n end,
      webhook_url = case when n % 2 = 0 then 'https' else 'http' end
        || '://hooks-' || n % 7 || '.example.com/?lead-' || n
    from numbered where numbered.id = delivery.id`;
  rows = await database.sql<Row[]>`
    select id, client_id as "clientId", lead_id as "leadId", event_type as "eventType",
      webhook_url as url
    from webhook_deliveries order by id desc`;
});
afterAll(() => database[Symbol.asyncDispose]());

interface Row {
  readonly id: string;
  readonly clientId: string | null;
  readonly leadId: string | null;
  readonly eventType: string;
  readonly url: string;
}

function hasBeginning(row: Row, q: string): boolean {
  const texts = [row.leadId ?? "", row.eventType, row.url, row.url.replace(/^https?:\/\//, "")];
  return texts.some((text) => text.startsWith(q)) || row.id === q;
}

const TEXTS = [
  "https://",
  "http",
  "hooks-3",
  "lead",
  "lead-1",
  "lead-198",
  "l",
  "message.",
  "x",
  "h",
];

describe.each([
  ["rare", { enough: 1_000 }],
  ["common, and among the newest", { enough: 1, walk: 1_000 }],
  ["common, and perhaps not among the newest", { enough: 1, walk: 20 }],
  ["common, and nowhere near", { enough: 0, walk: 1 }],
])("a text that counts as %s", (_what, bounds) => {
  it.each(TEXTS)("finds what begins with %j, newest first, page by page", async (q) => {
    for (const clientId of [undefined, CLIENTS[0]]) {
      const search = { q, exact: { clientId }, ...bounds };
      const expected = rows
        .filter((row) => hasBeginning(row, q) && (clientId ?? row.clientId) === row.clientId)
        .map(({ id }) => id);
      const found: string[] = [];
      for (;;) {
        const page = { limit: 30, beforeId: found.at(-1) };
        const ids = await findNewest(database.sql, search, page);
        found.push(...ids);
        if (ids.length < 30) break;
      }
      expect(found).toEqual(expected);
      const counted = await countFound(database.sql, search);
      expect(counted).toBe(Math.min(expected.length, bounds.enough + 1));
    }
  });
});
