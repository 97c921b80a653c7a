/** Writes of every kind to deliveries and their log, as SQL: the statistics trust no writer. */
import type { PendingQuery, Row } from "postgres";
import type { Queryable } from "./client.ts";

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
export const CLIENTS = [id(1), id(2)] as const;
/** Two of the first client, one of the second, one of the operator's own. */
export const ENDPOINTS = [id(11), id(12), id(21), id(31)] as const;

const hour = (text: string) => new Date(`2026-${text}:00:00.000Z`);
/** Around a midnight, and days later. */
export const HOURS: readonly Date[] = [
  hour("03-01T21"),
  hour("03-01T22"),
  hour("03-01T23"),
  hour("03-02T00"),
  hour("03-02T13"),
  hour("03-05T05"),
];

export interface Write {
  readonly kind:
    | "insert"
    | "claim"
    | "succeed"
    | "fail"
    | "try again"
    | "new round"
    | "cancel"
    | "disable"
    | "delete"
    | "delete logs"
    | "rename event"
    | "move endpoint"
    | "fold";
  /** At most so many. */
  readonly rows: number;
  /** Decides which. */
  readonly seed: number;
}

export async function written(sql: Queryable, { kind, rows, seed }: Write): Promise<void> {
  const some = (status: string) => sql`
    id in (select id from webhook_deliveries where status = any(${status}::text::text[])
           order by md5(id::text || ${seed}::text) limit ${rows})`;
  switch (kind) {
    case "insert":
      await insert(sql, rows, seed);
      return;
    case "claim":
      await sql`
        update webhook_deliveries
        set status = 'sent', attempt = attempt + 1, max_attempts = greatest(max_attempts, attempt + 1),
          next_retry_at = null, held = false, worker_id = gen_random_uuid(),
          claim_id = gen_random_uuid()
        where ${some("{pending}")}`;
      return;
    case "succeed":
      await ended(sql, some("{sent}"), "success", seed);
      return;
    case "fail":
      await ended(sql, some("{sent}"), "failed", seed);
      return;
    case "try again":
      await ended(sql, some("{sent}"), "pending", seed);
      return;
    case "new round":
      await sql`
        update webhook_deliveries set status = 'pending', next_retry_at = now(),
          delivered_at = null, attempts_before_round = attempt, last_error = null, error_type = null
        where ${some("{success,failed,cancelled}")}`;
      return;
    case "cancel":
      await sql`
        update webhook_deliveries set status = 'cancelled', next_retry_at = null, held = false
        where ${some("{pending}")}`;
      return;
    case "disable":
      await sql`
        update webhook_deliveries
        set status = 'failed', next_retry_at = null, held = false, error_type = 'endpoint_disabled'
        where ${some("{pending}")}`;
      return;
    case "delete":
      await sql`
        delete from webhook_deliveries where ${some("{pending,sent,success,failed,cancelled}")}`;
      return;
    case "delete logs":
      await sql`
        delete from webhook_delivery_logs where id in (
          select id from webhook_delivery_logs order by md5(id::text || ${seed}::text) limit ${rows})`;
      return;
    case "rename event":
      await sql`
        update webhook_deliveries set event_type = 'renamed'
        where ${some("{pending,sent,success,failed,cancelled}")}`;
      return;
    case "move endpoint":
      await sql`
        update webhook_deliveries set endpoint_id = ${ENDPOINTS[3]}, client_id = null
        where ${some("{success,failed,pending}")}`;
      return;
    case "fold":
      throw new Error("a fold writes nothing to the rows");
  }
}

/** Most pending, some failed from the start, some held; over all hours, owners and event types. */
async function insert(sql: Queryable, rows: number, seed: number): Promise<void> {
  await sql`
    insert into webhook_deliveries
      (id, client_id, endpoint_id, event_type, webhook_url, payload, body, format, max_attempts,
       status, held, next_retry_at, created_at)
    select gen_random_uuid(), client_id::uuid, endpoint_id::uuid,
      (array['lead.captured', 'message.sent', 'message.read'])[1 + r % 3],
      'https://example.com/', '{}', '{}', 'raw', 10,
      case r % 7 when 0 then 'failed' else 'pending' end, r % 7 = 1,
      case when r % 7 = 0 then null when r % 7 < 4 then now() else now() + interval '1 hour' end,
      (${JSON.stringify(HOURS)}::text::jsonb ->> (r % ${HOURS.length}::int))::timestamptz
        + r % 3600 * interval '1 second'
    from (
      select abs(hashtext(${seed}::text || n)) as r, n from generate_series(1, ${rows}::int) as n
    ) as random
    cross join lateral (
      select owner ->> 0, owner ->> 1
      from (select ${JSON.stringify(OWNERS)}::text::jsonb -> (r / 7 % ${OWNERS.length}::int)) as o (owner)
    ) as owned (client_id, endpoint_id)`;
}

const OWNERS = [
  [CLIENTS[0], ENDPOINTS[0]],
  [CLIENTS[0], ENDPOINTS[1]],
  [CLIENTS[0], null],
  [CLIENTS[1], ENDPOINTS[2]],
  [null, ENDPOINTS[3]],
  [null, null],
];

async function ended(
  sql: Queryable,
  which: PendingQuery<Row[]>,
  status: string,
  seed: number,
): Promise<void> {
  await sql`
    with moved as (
      update webhook_deliveries
      set status = given.status, claim_id = null, worker_id = null,
        next_retry_at = case given.status when 'pending' then now() + interval '1 hour' end,
        delivered_at = case given.status when 'success' then now() end
      from (select ${status}::text as status) as given
      where ${which}
      returning id, client_id, endpoint_id, attempt, created_at,
        abs(hashtext(${seed}::text || id::text)) as r
    )
    insert into webhook_delivery_logs
      (delivery_id, claim_id, client_id, endpoint_id, attempt_number, attempted_at, duration_ms,
       will_retry, error_type)
    select id, gen_random_uuid(), client_id, endpoint_id, attempt,
      created_at + r % 7200 * interval '1 second', r % 100 * (r / 100 % 40), false,
      (array[null, 'http', 'internal', 'timeout', 'interrupted'])[1 + r % 5]
    from moved`;
}
