/**
 * A month of history in set-based SQL: deliveries in the order of acceptance with the attempts of each,
 * over 1,000 endpoints of 50 clients. Traffic, event types and failures are skewed, because plans go
 * wrong where the numbers are uneven: the busiest endpoint has a tenth of all rows, the last a few
 * hundred; some endpoints fail most of the time; the old leads have the low numbers.
 */
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { foldStatDeltas } from "@webhook-delivery/shared/db/stat-rollup.ts";

const CLIENTS = 50;
const ENDPOINTS = 1_000;
const DAYS = 30;
const CHUNK = 250_000;
const FOLD_STEP = 50_000;

export interface HistorySize {
  readonly deliveries: number;
  readonly unfinished: number;
}

export async function generateHistory(sql: Sql, size: HistorySize): Promise<void> {
  const [found] = await sql`select exists (select from webhook_deliveries) as "isUsed"`;
  if (found?.["isUsed"] !== false)
    throw new Error("There are deliveries in this database already.");
  await sql.unsafe("set synchronous_commit = off; set maintenance_work_mem = '1GB'");
  await insertRegistry(sql);
  const restore = await dropIndexes(sql);
  const endAt = new Date();
  for (let from = 0; from < size.deliveries; from += CHUNK) {
    const to = Math.min(from + CHUNK, size.deliveries) - 1;
    await timed(`${to + 1} deliveries`, () => insertChunk(sql, { from, to, endAt }, size));
  }
  for (const statement of restore) await timed(statement, () => sql.unsafe(statement));
  await timed("fold", () => foldAll(sql));
  await timed("vacuum analyze", () => sql`vacuum analyze`);
}

async function timed(what: string, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${seconds.toFixed(1).padStart(7)} s  ${what}`);
  return seconds;
}

async function foldAll(sql: Sql): Promise<void> {
  while ((await foldStatDeltas(sql, FOLD_STEP)) >= FOLD_STEP);
}

/** Ids by number: the same in every run. */
export const clientId = (n: number) => `00000000-0000-7000-8000-c${String(n).padStart(11, "0")}`;
export const endpointId = (n: number) => `00000000-0000-7000-8000-e${String(n).padStart(11, "0")}`;

async function insertRegistry(sql: Sql): Promise<void> {
  await sql`
    insert into clients (id, name)
    select ('00000000-0000-7000-8000-c' || lpad(n::text, 11, '0'))::uuid, 'Client ' || n
    from generate_series(0, ${CLIENTS - 1}::int) as n`;
  await sql`
    insert into webhook_endpoints (id, client_id, url, secrets_encrypted)
    select ('00000000-0000-7000-8000-e' || lpad(n::text, 11, '0'))::uuid,
      ('00000000-0000-7000-8000-c' || lpad((n % ${CLIENTS}::int)::text, 11, '0'))::uuid,
      'https://hooks-' || n || '.example.com/in', '\\x00'
    from generate_series(0, ${ENDPOINTS - 1}::int) as n`;
}

/** Statements that put back what bulk inserts are faster without. */
async function dropIndexes(sql: Sql): Promise<string[]> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexname as name, indexdef as definition from pg_indexes
    where tablename in ('webhook_deliveries', 'webhook_delivery_logs') and indexname !~ '_pkey$'`;
  await sql`alter table webhook_delivery_logs drop constraint webhook_delivery_logs_delivery_id_fkey`;
  for (const { name } of indexes) await sql`drop index ${sql(name)}`;
  return [
    ...indexes.map(({ definition }) => definition),
    `alter table webhook_delivery_logs add foreign key (delivery_id)
     references webhook_deliveries (id) on delete cascade`,
  ];
}

async function insertChunk(
  sql: Sql,
  { from, to, endAt }: { from: number; to: number; endAt: Date },
  { deliveries, unfinished }: HistorySize,
): Promise<void> {
  await sql`
    with random as (
      select n, random() as spread, random() as type, random() as luck, random() as kind,
        ${endAt}::timestamptz - ${DAYS}::int * interval '1 day' * (1 - n::float8 / ${deliveries}::int)
          as created_at
      from generate_series(${from}::int, ${to}::int) as n
    ), decided as (
      select *, floor(${ENDPOINTS}::int * spread ^ 3)::int as endpoint,
        case
          when n >= ${deliveries - 50}::int then 'sent'
          when n >= ${deliveries - Math.round(unfinished * 0.75)}::int then 'pending'
          when n % ${Math.ceil((deliveries / unfinished) * 4)}::int = 3 then 'pending'
          when luck > 0.995 then 'cancelled'
          when luck > 0.98 or (floor(${ENDPOINTS}::int * spread ^ 3)::int % 40 = 13 and luck > 0.3)
            then 'failed'
          else 'success' end as status,
        '{"id":' || n || ',"text":"' || repeat(md5(n::text), 7) || '","tail":"' || type || '"}'
          as content
      from random
    ), delivered as (
      insert into webhook_deliveries
        (id, client_id, endpoint_id, lead_id, event_type, webhook_url, payload, body, format, status,
         attempt, max_attempts, response_status, response_body, last_error, error_type, sent_at,
         next_retry_at, delivered_at, worker_id, claim_id, created_at, updated_at)
      select
        (lpad(to_hex((extract(epoch from created_at) * 1000)::bigint), 12, '0') || '7'
          || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
        case when kind < 0.98 then
          ('00000000-0000-7000-8000-c' || lpad((endpoint % ${CLIENTS}::int)::text, 11, '0'))::uuid end,
        case when kind < 0.9 then
          ('00000000-0000-7000-8000-e' || lpad(endpoint::text, 11, '0'))::uuid end,
        case when n % 5 < 2 then 'lead-' || n / 7 end,
        case when n % 50000 = 77 then 'rare.event' else
          (array['message.received', 'message.sent', 'lead.captured', 'message.updated',
            'message.delivered', 'message.read', 'message.failed', 'session.status',
            'session.connected', 'session.disconnected', 'campaign.started', 'campaign.completed',
            'contact.created', 'contact.updated', 'order.paid'])[1 + floor(15 * type ^ 3)::int] end,
        case when kind < 0.9 then 'https://hooks-' || endpoint || '.example.com/in'
          else 'https://direct-' || (type * 100000)::int || '.example.net/hook?n=' || n end,
        content::jsonb, content, 'raw', status,
        case status when 'pending' then n % 3 when 'sent' then 1 when 'cancelled' then 0
          when 'failed' then 4 else 1 + (luck < 0.35)::int + (luck < 0.2)::int end, 4,
        case status when 'success' then 200 when 'failed' then 500 end,
        case status when 'success' then 'ok' when 'failed' then repeat('Internal error. ', 12) end,
        case when status = 'failed' then 'The receiver answered 500.' end,
        case when status = 'failed' then 'http' end,
        created_at + interval '1 second',
        case when status = 'pending' then now() + (n % 400 - 200) * interval '1 second' end,
        case when status = 'success' then created_at + interval '1 second' end,
        case when status = 'sent' then gen_random_uuid() end,
        case when status = 'sent' then gen_random_uuid() end,
        created_at, created_at + interval '1 second'
      from decided order by n
      returning id, client_id, endpoint_id, status, attempt, created_at
    )
    insert into webhook_delivery_logs
      (delivery_id, claim_id, client_id, endpoint_id, attempt_number, attempted_at, duration_ms,
       request_headers, response_status, response_headers, response_body, error, error_type,
       will_retry, retry_at)
    select id, gen_random_uuid(), client_id, endpoint_id, number,
      created_at + number * interval '3 seconds',
      floor(20 + 400 * luck ^ 6 + 9000 * greatest(luck, 0.1) ^ 60)::int,
      ${REQUEST_HEADERS}::text::jsonb, case when has_succeeded then 200 else 500 end,
      ${RESPONSE_HEADERS}::text::jsonb,
      case when has_succeeded then 'ok' else repeat('Internal error. ', 12) end,
      case when not has_succeeded then 'The receiver answered 500.' end,
      case when not has_succeeded
        then (array['http', 'timeout', 'network', 'interrupted'])[1 + floor(4 * luck ^ 4)::int] end,
      number < attempt, case when number < attempt then created_at + number * interval '8 seconds' end
    from (
      select delivered.*, number, number = attempt and status = 'success' as has_succeeded,
        random() as luck
      from delivered, generate_series(1, attempt) as number
    ) as attempted`;
}

const REQUEST_HEADERS = JSON.stringify({
  "content-type": "application/json",
  "user-agent": "webhook-delivery/0.1.0",
  "webhook-id": "019aa5b0-7c00-7000-8000-000000000001",
  "webhook-timestamp": "1763719200",
  "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
  "x-webhook-event": "message.received",
  "x-webhook-attempt": "1",
});
const RESPONSE_HEADERS = JSON.stringify({
  "content-type": "text/plain",
  date: "Sat, 21 Nov 2026 10:00:00 GMT",
  server: "example",
});
