import { randomUUID } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeliveryStatus } from "../core/delivery.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import type { DeliveryFilter } from "./delivery-filter.ts";
import { countDeliveries, listDeliveries, TOTAL_CAP } from "./delivery-list.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  for (const row of ROWS) await insert(row);
});
afterAll(() => database[Symbol.asyncDispose]());

interface Row {
  readonly id: string;
  readonly leadId?: string;
  readonly endpointId?: string;
  readonly clientId?: string;
  readonly eventType?: string;
  readonly url?: string;
  readonly status?: DeliveryStatus;
}

const at = (second: number) => Date.UTC(2026, 2, 1, 12, 0, second);
const idAt = (second: number) => uuidv7({ msecs: at(second) });
const [ENDPOINT, CLIENT] = [randomUUID(), randomUUID()];

/** In order of acceptance, a second apart. */
const ROWS: readonly Row[] = [
  { id: idAt(0), leadId: "lead-1", status: "success" },
  { id: idAt(1), leadId: "lead-2", status: "failed", endpointId: ENDPOINT },
  { id: idAt(2), leadId: "lead_3", eventType: "message.received", clientId: CLIENT },
  { id: idAt(3), url: "http://hooks.example.com/in", eventType: "message.sent" },
  { id: idAt(4), url: "https://hooks.example.com/in?token=x", status: "cancelled" },
  { id: idAt(5), leadId: "100%", status: "failed", eventType: "lead.captured" },
];

async function insert(row: Row): Promise<void> {
  const status = row.status ?? "pending";
  await database.sql`
    insert into webhook_deliveries
      (id, lead_id, endpoint_id, client_id, event_type, webhook_url, payload, body, format,
       max_attempts, status, next_retry_at, delivered_at)
    select ${row.id}, ${row.leadId ?? null}, ${row.endpointId ?? null}, ${row.clientId ?? null},
      ${row.eventType ?? "lead.captured"}, ${row.url ?? "https://example.com/"}, '{}', '{}', 'raw',
      4, given.status, case given.status when 'pending' then now() end,
      case given.status when 'success' then now() end
    from (select ${status}::text as status) as given`;
}

const FIRST_PAGE = { limit: 50, beforeId: undefined };

/** The second of acceptance of every row that the filter matches, as listed. */
async function listed(filter: DeliveryFilter): Promise<number[]> {
  const deliveries = await listDeliveries(database.sql, filter, FIRST_PAGE);
  expect(await countDeliveries(database.sql, filter)).toBe(deliveries.length);
  return deliveries.map(({ id }) => ROWS.findIndex((row) => row.id === id));
}

describe("the list of deliveries", () => {
  it("is newest first and whole without a filter", async () => {
    expect(await listed({})).toEqual([5, 4, 3, 2, 1, 0]);
  });

  it.each<[DeliveryFilter, number[]]>([
    [{ deliveryId: ROWS[3]?.id }, [3]],
    [{ deliveryId: randomUUID() }, []],
    [{ leadId: "lead-1" }, [0]],
    [{ leadId: "lead" }, []],
    [{ endpointId: ENDPOINT }, [1]],
    [{ clientId: CLIENT }, [2]],
    [{ eventType: "message.received" }, [2]],
    [{ eventType: "message" }, []],
    [{ status: "failed" }, [5, 1]],
    [{ status: "pending" }, [3, 2]],
    [{ status: "sent" }, []],
    [{ status: "failed", leadId: "lead-2" }, [1]],
    [{ status: "failed", leadId: "lead-1" }, []],
  ])("holds what matches %j", async (filter, expected) => {
    expect(await listed(filter)).toEqual(expected);
  });

  it("takes since as at or after and until as before", async () => {
    expect(await listed({ since: new Date(at(4)) })).toEqual([5, 4]);
    expect(await listed({ until: new Date(at(2)) })).toEqual([1, 0]);
    expect(await listed({ since: new Date(at(1)), until: new Date(at(3)) })).toEqual([2, 1]);
    expect(await listed({ since: new Date(at(1) + 1), until: new Date(at(2)) })).toEqual([]);
  });

  it.each([
    ["lead-", [1, 0]],
    ["lead_3", [2]],
    ["lead_", [2]],
    ["100%", [5]],
    ["%", []],
    ["_", []],
    ["\\", []],
    ["message.", [3, 2]],
    ["https://hooks", [4]],
    ["hooks.example.com/in", [4, 3]],
    ["example.com", [5, 2, 1, 0]],
    ["' or true --", []],
  ])("holds what begins with %j", async (q, expected) => {
    expect(await listed({ q })).toEqual(expected);
  });

  it("finds a delivery by its id, in either case", async () => {
    const id = ROWS[2]?.id ?? "";
    expect(await listed({ q: id })).toEqual([2]);
    expect(await listed({ q: id.toUpperCase() })).toEqual([2]);
  });

  it("is cut into pages that leave nothing out and repeat nothing while rows come in", async () => {
    const pages: string[][] = [];
    let beforeId: string | undefined;
    for (;;) {
      const page = await listDeliveries(database.sql, {}, { limit: 2, beforeId });
      if (page.length === 0) break;
      pages.push(page.map(({ id }) => id));
      beforeId = page.at(-1)?.id;
      await insert({ id: idAt(59), leadId: "newcomer" });
    }
    await database.sql`delete from webhook_deliveries where lead_id = 'newcomer'`;
    expect(pages.map((page) => page.length)).toEqual([2, 2, 2]);
    expect(pages.flat()).toEqual(ROWS.map(({ id }) => id).toReversed());
  });

  it("tells nothing of a delivery's body, secret or claim", async () => {
    const [delivery] = await listDeliveries(database.sql, {}, FIRST_PAGE);
    for (const name of Object.keys(delivery ?? {})) expect(name).not.toMatch(/body$|secret|claim/);
  });

  it("is counted exactly up to 10,000 and no further", async () => {
    const add = (rows: number) => database.sql`
      insert into webhook_deliveries
        (id, lead_id, event_type, webhook_url, payload, body, format, max_attempts, next_retry_at)
      select gen_random_uuid(), 'many', 'x', 'https://example.com/', '{}', '{}', 'raw', 1, now()
      from generate_series(1, ${rows})`;
    await add(TOTAL_CAP);
    expect(await countDeliveries(database.sql, { leadId: "many" })).toBe(10_000);
    await add(2);
    expect(await countDeliveries(database.sql, { leadId: "many" })).toBe(10_001);
  });
});
