import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint, newDelivery } from "../testing/factories.ts";
import { claimNow } from "../testing/leases.ts";
import { connectDatabase, inTransaction, type Sql } from "./client.ts";
import { insertDeliveries } from "./deliveries.ts";
import { advanceAllLines, advanceLines, takeOrderNumbers } from "./order.ts";
import { endWaitingOf, walkDestinations } from "./waiting.ts";
import { ONE_SHARD } from "./scheduling.ts";

const CALLERS = 10;
let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = connectDatabase({
    url: database.url,
    applicationName: "tests",
    maxConnections: CALLERS + 2,
  });
});
afterAll(async () => {
  await sql.end();
  await database[Symbol.asyncDispose]();
});

async function accept(endpointId: string): Promise<string> {
  return inTransaction(sql, async (tx) => {
    const [orderNo = null] = await takeOrderNumbers(tx, [endpointId]);
    const row = newDelivery({ endpointId, orderNo });
    await insertDeliveries(tx, [row]);
    return row.id;
  });
}

async function acceptSeveral(endpointId: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(await accept(endpointId));
  return ids;
}

const claim = (deliveryId: string) => claimNow(sql, deliveryId);

async function finish(id: string): Promise<void> {
  await sql`
    update webhook_deliveries
    set status = 'failed', worker_id = null, claim_id = null, permit = null where id = ${id} and status = 'sent'`;
}

async function freeOf(endpointId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from webhook_deliveries
    where endpoint_id = ${endpointId} and status in ('pending', 'sent') and not held
    order by order_no`;
  return rows.map(({ id }) => id);
}

describe("the numbers of a line", () => {
  it("are given out one after the other, however many ask at once", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    await Promise.all(Array.from({ length: 50 }, () => accept(endpointId)));
    const rows = await sql<{ n: number }[]>`
      select order_no::int as n from webhook_deliveries where endpoint_id = ${endpointId}
      order by order_no`;
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it("become visible in their order: who has the lock commits before the next", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const mayCommit = Promise.withResolvers<void>();
    const hasNumber = Promise.withResolvers<void>();
    const first = inTransaction(sql, async (tx) => {
      const [orderNo = null] = await takeOrderNumbers(tx, [endpointId]);
      await insertDeliveries(tx, [newDelivery({ endpointId, orderNo })]);
      hasNumber.resolve();
      await mayCommit.promise;
      return orderNo;
    });
    await hasNumber.promise;
    let isSecondDone = false;
    const second = accept(endpointId).then(() => (isSecondDone = true));
    await expect
      .poll(
        async () =>
          (
            await sql`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
          ).length,
      )
      .toBe(1);
    expect(isSecondDone).toBe(false);
    mayCommit.resolve();
    expect(await first).toBe(1);
    await second;
  });

  it("are none for endpoints without order, and follow the order asked for", async () => {
    const [one, free, other] = [
      await insertEndpoint(sql, { ordered: true }),
      await insertEndpoint(sql),
      await insertEndpoint(sql, { ordered: true }),
    ];
    const asked = [one, free, other, one, one, randomUUID()];
    const numbers = await inTransaction(sql, (tx) => takeOrderNumbers(tx, asked));
    expect(numbers).toEqual([1, null, 1, 2, 3, null]);
  });
});

describe("a line", () => {
  it("lets its first go, and nobody else before that is finished", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const [first = "", second = "", third = ""] = await acceptSeveral(endpointId, 3);
    expect(await claim(first)).toBeUndefined();
    expect(await advanceLines(sql, [endpointId])).toBe(1);
    expect(await freeOf(endpointId)).toEqual([first]);
    expect(await advanceLines(sql, [endpointId])).toBe(0);
    expect(await claim(second)).toBeUndefined();
    expect(await claim(first)).toMatchObject({ endpoint: { isInLine: true } });
    expect(await advanceLines(sql, [endpointId])).toBe(0);
    await finish(first);
    expect(await advanceLines(sql, [endpointId])).toBe(1);
    expect(await freeOf(endpointId)).toEqual([second]);
    expect(third).not.toBe(second);
  });

  it("is moved on by one of many that try at once", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const [first] = await acceptSeveral(endpointId, 3);
    const freed = await Promise.all(
      Array.from({ length: CALLERS }, () => advanceLines(sql, [endpointId])),
    );
    expect(freed.filter((count) => count > 0)).toEqual([1]);
    expect(await freeOf(endpointId)).toEqual([first]);
  });

  it("costs the scheduler nothing while it waits", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const ids = await acceptSeveral(endpointId, 5);
    const walk = { after: "", limit: 1_000, countUpTo: 10, horizonMs: 0, shard: ONE_SHARD };
    const { found } = await walkDestinations(sql, walk);
    expect(found.filter(({ destination }) => destination === endpointId)).toEqual([]);
    expect(ids).toHaveLength(5);
  });

  it("is moved on by the scheduler when nobody else did", async () => {
    const [one, other] = [
      await insertEndpoint(sql, { ordered: true }),
      await insertEndpoint(sql, { ordered: true }),
    ];
    const [firstOfOne] = await acceptSeveral(one, 2);
    const [firstOfOther] = await acceptSeveral(other, 2);
    await advanceAllLines(sql, 10);
    await advanceAllLines(sql, 10);
    expect(await freeOf(one)).toEqual([firstOfOne]);
    expect(await freeOf(other)).toEqual([firstOfOther]);
  });

  it("that has no order any more is let go, so many at a time", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const ids = await acceptSeveral(endpointId, 5);
    await sql`update webhook_endpoints set ordered = false where id = ${endpointId}`;
    await advanceAllLines(sql, 3);
    expect(await freeOf(endpointId)).toHaveLength(3);
    await advanceAllLines(sql, 3);
    expect((await freeOf(endpointId)).toSorted()).toEqual(ids.toSorted());
  });

  it("whose endpoint is gone ends as cancelled", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const ids = await acceptSeveral(endpointId, 2);
    await sql`delete from webhook_endpoints where id = ${endpointId}`;
    await advanceAllLines(sql, 10);
    const ended = await endWaitingOf(sql, [endpointId], 10);
    expect(ended.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(ended).toMatchObject([{ status: "cancelled" }, { status: "cancelled" }]);
  });

  it("has one in flight at a time, even if somebody writes otherwise", async () => {
    const endpointId = await insertEndpoint(sql, { ordered: true });
    const [first = "", second = ""] = await acceptSeveral(endpointId, 2);
    await sql`update webhook_deliveries set held = false where endpoint_id = ${endpointId}`;
    await claim(first);
    await expect(claim(second)).rejects.toThrow("webhook_deliveries_one_at_a_time");
  });
});
