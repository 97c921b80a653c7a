import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DELIVERY_MOVES, DELIVERY_STATUSES, type DeliveryStatus } from "../core/delivery.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const PAIRS = DELIVERY_STATUSES.flatMap((from) => DELIVERY_STATUSES.map((to) => ({ from, to })));

/** A row in that state, with everything that the state's own constraints ask for. */
async function insertIn(status: DeliveryStatus): Promise<string> {
  const id = randomUUID();
  await database.sql`
    insert into webhook_deliveries
      (id, event_type, webhook_url, payload, body, format, max_attempts, status, next_retry_at,
       claim_id, worker_id, delivered_at)
    select ${id}, 'lead.captured', 'https://example.com/', '{}', '{}', 'raw', 4, given.status,
      case given.status when 'pending' then now() end,
      case given.status when 'sent' then gen_random_uuid() end,
      case given.status when 'sent' then gen_random_uuid() end,
      case given.status when 'success' then now() end
    from (select ${status}::text as status) as given`;
  return id;
}

async function move(id: string, to: DeliveryStatus): Promise<void> {
  await database.sql`
    update webhook_deliveries as delivery
    set status = given.status,
      next_retry_at = case given.status when 'pending' then now() end,
      claim_id = case given.status when 'sent' then gen_random_uuid() end,
      worker_id = case given.status when 'sent' then gen_random_uuid() end,
      delivered_at = case given.status when 'success' then now() end
    from (select ${to}::text as status) as given where delivery.id = ${id}`;
}

async function statusOf(id: string): Promise<unknown> {
  const [row] = await database.sql`select status from webhook_deliveries where id = ${id}`;
  return row?.["status"];
}

const isMove = ({ from, to }: { from: DeliveryStatus; to: DeliveryStatus }) =>
  from !== to && DELIVERY_MOVES[from].includes(to);

describe("the database", () => {
  it.each(PAIRS.filter(isMove))("lets a delivery move from $from to $to", async ({ from, to }) => {
    const id = await insertIn(from);
    await move(id, to);
    expect(await statusOf(id)).toBe(to);
  });

  it.each(PAIRS.filter((pair) => pair.from !== pair.to && !isMove(pair)))(
    "refuses the move from $from to $to, whoever writes it",
    async ({ from, to }) => {
      const id = await insertIn(from);
      await expect(move(id, to)).rejects.toMatchObject({
        code: "23514",
        constraint_name: "delivery_status_moves",
        message: `a delivery does not move from ${from} to ${to}`,
      });
      expect(await statusOf(id)).toBe(from);
    },
  );

  it.each(DELIVERY_STATUSES)(
    "takes a write that leaves a delivery %s for no move",
    async (status) => {
      const id = await insertIn(status);
      await move(id, status);
      expect(await statusOf(id)).toBe(status);
    },
  );

  it.each([
    ["next_retry_at_iff_pending", "pending", "next_retry_at = null"],
    ["next_retry_at_iff_pending", "failed", "next_retry_at = now()"],
    ["claim_iff_sent", "sent", "claim_id = null"],
    ["claim_iff_sent", "sent", "worker_id = null"],
    ["claim_iff_sent", "pending", "claim_id = gen_random_uuid()"],
    ["claim_iff_sent", "success", "worker_id = gen_random_uuid()"],
    ["delivered_at_iff_success", "success", "delivered_at = null"],
    ["delivered_at_iff_success", "failed", "delivered_at = now()"],
    ["success_has_no_error", "success", "last_error = 'no'"],
    ["success_has_no_error", "success", "error_type = 'http'"],
    ["error_type_is_known", "failed", "error_type = 'unknown'"],
    ["status_is_known", "failed", "status = 'done'"],
    ["attempt_is_within_max_attempts", "pending", "attempt = 5"],
    ["attempt_is_within_max_attempts", "pending", "attempt = -1"],
    ["round_starts_within_attempts", "pending", "attempts_before_round = 1"],
    ["idempotency_hash_iff_key", "pending", "idempotency_key = 'k'"],
  ] as const)("holds that %s: refuses to give a %s delivery %s", async (name, status, change) => {
    const id = await insertIn(status);
    const update = `update webhook_deliveries set ${change} where id = '${id}'`;
    // A status that does not exist is met by the trigger first.
    const constraint = name === "status_is_known" ? "delivery_status_moves" : name;
    await expect(database.sql.unsafe(update)).rejects.toMatchObject({
      code: "23514",
      constraint_name: constraint,
    });
  });
});
