import { randomUUID } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { afterEach, beforeAll, afterAll, describe, expect, it } from "vitest";
import type { DeliveryStatus } from "../core/delivery.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { inTransaction } from "./client.ts";
import { removeDeliveries, removeEvents, removeReplays, type Removal } from "./retention.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.sql`delete from webhook_deliveries`;
  await database.sql`delete from webhook_events`;
});
afterAll(() => database[Symbol.asyncDispose]());

const MS_PER_DAY = 86_400_000;
const MONTH: Removal = { olderThanMs: 30 * MS_PER_DAY };
const EVERYTHING: Removal = { olderThanMs: 0 };

interface Row {
  readonly status?: DeliveryStatus;
  readonly ageDays?: number;
  readonly changedDaysAgo?: number;
  readonly hasKey?: boolean;
  readonly clientId?: string;
  readonly endpointId?: string;
  readonly eventId?: string;
}

/** With one attempt in its log. */
async function insert(row: Row = {}): Promise<string> {
  const { status = "success", ageDays = 31, changedDaysAgo = ageDays, hasKey = false } = row;
  const createdAt = new Date(Date.now() - ageDays * MS_PER_DAY);
  const id = uuidv7({ msecs: createdAt.getTime() });
  await database.sql`
    insert into webhook_deliveries
      (id, client_id, endpoint_id, event_id, event_type, webhook_url, payload, body, format,
       max_attempts, status, next_retry_at, claim_id, worker_id, delivered_at, created_at, updated_at,
       idempotency_key, idempotency_hash)
    select ${id}, ${row.clientId ?? null}, ${row.endpointId ?? null}, ${row.eventId ?? null},
      'lead.captured', 'https://example.com/', '{}', '{}', 'raw', 4, given.status,
      case given.status when 'pending' then now() end,
      case given.status when 'sent' then gen_random_uuid() end,
      case given.status when 'sent' then gen_random_uuid() end,
      case given.status when 'success' then now() end,
      ${createdAt}, now() - ${changedDaysAgo} * interval '1 day',
      case when ${hasKey} then ${id}::text end, case when ${hasKey} then '\\x00'::bytea end
    from (select ${status}::text as status) as given`;
  await database.sql`
    insert into webhook_delivery_logs
      (delivery_id, attempt_number, attempted_at, duration_ms, will_retry)
    values (${id}, 1, ${createdAt}, 12, false)`;
  return id;
}

async function all(steps: AsyncGenerator<number>): Promise<number> {
  let removed = 0;
  for await (const count of steps) removed += count;
  return removed;
}

async function left(): Promise<string[]> {
  const rows = await database.sql<{ id: string }[]>`select id from webhook_deliveries order by id`;
  const logged = await database.sql<{ id: string }[]>`
    select delivery_id as id from webhook_delivery_logs order by delivery_id`;
  expect(logged).toEqual(rows);
  return rows.map(({ id }) => id);
}

describe("retention", () => {
  it.each<[string, Row]>([
    ["is pending", { status: "pending" }],
    ["is in flight", { status: "sent" }],
    ["is younger", { ageDays: 29 }],
    ["was changed since", { changedDaysAgo: 1 }],
  ])("keeps an old delivery that %s", async (_why, row) => {
    const id = await insert(row);
    expect(await all(removeDeliveries(database.sql, MONTH))).toBe(0);
    expect(await left()).toEqual([id]);
  });

  it.each(["success", "failed", "cancelled"] as const)(
    "removes a delivery that ended as %s, with its attempts",
    async (status) => {
      await insert({ status });
      const kept = await insert({ status, ageDays: 1 });
      expect(await all(removeDeliveries(database.sql, MONTH))).toBe(1);
      expect(await left()).toEqual([kept]);
    },
  );

  it("keeps what came with an idempotency key for a day, even when everything is to go", async () => {
    const kept = await insert({ hasKey: true, ageDays: 0.9, changedDaysAgo: 0.9 });
    await insert({ hasKey: true, ageDays: 1.1, changedDaysAgo: 0 });
    await insert({ ageDays: 0, changedDaysAgo: 0 });
    expect(await all(removeDeliveries(database.sql, EVERYTHING))).toBe(2);
    expect(await left()).toEqual([kept]);
  });

  it("goes in small steps, oldest first, past what stays", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) {
      ids.push(await insert({ ageDays: 40 - n, changedDaysAgo: n < 4 ? 1 : 40 - n }));
    }
    const steps = removeDeliveries(database.sql, MONTH, 2);
    expect((await steps.next()).value).toBe(0);
    expect((await steps.next()).value).toBe(0);
    expect((await steps.next()).value).toBe(2);
    expect(await left()).toEqual([...ids.slice(0, 4), ids[6]]);
    expect(await all(steps)).toBe(1);
    expect(await left()).toEqual(ids.slice(0, 4));
  });

  it("touches only the scope that it is for", async () => {
    const [clientId, endpointId] = [randomUUID(), randomUUID()];
    const other = await insert();
    const theirs = await insert({ clientId });
    await insert({ clientId, endpointId });
    const { sql } = database;
    expect(await all(removeDeliveries(sql, { ...MONTH, scope: { endpointId } }))).toBe(1);
    expect(await left()).toEqual([other, theirs]);
    expect(await all(removeDeliveries(sql, { ...MONTH, scope: { clientId } }))).toBe(1);
    expect(await left()).toEqual([other]);
  });

  it("waits for nobody and passes over what somebody else holds", async () => {
    const held = await insert();
    await insert();
    await inTransaction(database.sql, async (tx) => {
      await tx`select from webhook_deliveries where id = ${held} for update`;
      expect(await all(removeDeliveries(database.sql, MONTH))).toBe(1);
    });
    expect(await left()).toEqual([held]);
  });

  it("is one worker's work at a time", async () => {
    await insert();
    const theirs = { ...MONTH, takesTurns: true };
    await inTransaction(database.sql, async (tx) => {
      expect(await all(removeEvents(tx, theirs))).toBe(0);
      expect(await all(removeDeliveries(database.sql, theirs))).toBe(0);
    });
    expect(await all(removeDeliveries(database.sql, theirs))).toBe(1);
  });

  it("removes old events when none of their deliveries is left", async () => {
    const insertEvent = async (eventId: string, ageDays: number, isPublished = true) => {
      await database.sql`
        insert into webhook_events
          (id, event_id, type, data, data_text, content_hash, occurred_at, published_at, created_at)
        select ${uuidv7()}, ${eventId}, 'x', '{}', '{}', '\\x00', created_at,
          case when ${isPublished} then created_at end, created_at
        from (select now() - ${ageDays} * interval '1 day' as created_at) as given`;
    };
    await insertEvent("gone", 31);
    await insertEvent("young", 29);
    await insertEvent("unpublished", 31, false);
    await insertEvent("delivered", 31);
    await insert({ eventId: "delivered", ageDays: 1 });
    await insert({ eventId: "gone", clientId: randomUUID(), ageDays: 1 });
    expect(await all(removeEvents(database.sql, MONTH))).toBe(1);
    const kept = await database.sql`select event_id from webhook_events order by 1`;
    expect(kept.map((row) => row["event_id"])).toEqual(["delivered", "unpublished", "young"]);
  });

  it("removes replays that ended long ago", async () => {
    const insertReplay = (state: string, ageDays: number) => database.sql`
      insert into replays
        (id, since, until, delivery_status, rate_per_second, state, finished_at)
      values (${randomUUID()}, now(), now(), 'failed', 1, ${state},
        case when ${state}::text <> 'running' then now() - ${ageDays} * interval '1 day' end)`;
    await insertReplay("completed", 31);
    await insertReplay("completed", 1);
    await insertReplay("running", 0);
    expect(await removeReplays(database.sql, MONTH)).toBe(1);
    expect(await database.sql`select state from replays order by 1`).toEqual([
      { state: "completed" },
      { state: "running" },
    ]);
  });
});
