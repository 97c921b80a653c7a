import { grantLeases } from "../testing/leases.ts";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUCKET_STARTS_MS } from "../core/latency-buckets.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { CLIENTS, ENDPOINTS, HOURS, written, type Write } from "./stats.fixture.ts";
import { attemptLatencyMs } from "./attempt-stats.ts";
import { foldStatDeltas } from "./stat-rollup.ts";
import type { StatScope } from "./stat-scope.ts";
import { countDeliveriesSince, countUnfinished, endpointTotals, readStats } from "./stats.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const SCOPES: readonly StatScope[] = [
  {},
  ...CLIENTS.map((clientId) => ({ clientId })),
  ...ENDPOINTS.map((endpointId) => ({ endpointId })),
];

function inScope({ clientId, endpointId }: StatScope) {
  const { sql } = database;
  if (endpointId !== undefined) return sql`endpoint_id = ${endpointId}`;
  return clientId === undefined ? sql`true` : sql`client_id = ${clientId}`;
}

/** What the statistics must say, counted over the rows. */
async function counted(scope: StatScope, since: Date) {
  const { sql } = database;
  const [byStatus] = await sql`
    select count(*) filter (where status = 'pending')::int as pending,
      count(*) filter (where status = 'sent')::int as sent,
      count(*) filter (where status = 'success')::int as success,
      count(*) filter (where status = 'failed')::int as failed,
      count(*) filter (where status = 'cancelled')::int as cancelled
    from webhook_deliveries where created_at >= ${since} and ${inScope(scope)}`;
  const [retries] = await sql`
    select sum(greatest(attempt - attempts_before_round - 1, 0))::float8 / nullif(count(*), 0)
      as average
    from webhook_deliveries
    where created_at >= ${since} and status in ('success', 'failed') and ${inScope(scope)}`;
  const topEvents = await sql`
    select event_type as "eventType", count(*)::int as total,
      count(*) filter (where status = 'success')::int as success,
      count(*) filter (where status = 'failed')::int as failed
    from webhook_deliveries where created_at >= ${since} and ${inScope(scope)}
    group by 1 order by 2 desc, 1`;
  return {
    byStatus: { ...byStatus },
    averageRetries: retries?.["average"] ?? null,
    topEvents: [...topEvents],
  };
}

async function countedNow(scope: StatScope) {
  const { sql } = database;
  const [row] = await sql`
    select
      count(*) filter (where status = 'pending' and not held and next_retry_at <= now())::int
        as waiting,
      count(*) filter (where status = 'sent')::int as active,
      count(*) filter (where status = 'pending' and (held or next_retry_at > now()))::int as delayed
    from webhook_deliveries where ${inScope(scope)}`;
  return { ...row };
}

async function countedLatency(scope: StatScope, since: Date) {
  const [row] = await database.sql`
    select p[1] as p50, p[2] as p95, p[3] as p99 from (
      select percentile_disc(array[0.5, 0.95, 0.99]) within group (order by duration_ms) as p
      from webhook_delivery_logs
      where attempted_at >= ${since} and ${inScope(scope)}
        and (error_type is null or error_type in ('http', 'network', 'timeout'))
    ) as attempts`;
  return row as { p50: number | null; p95: number | null; p99: number | null };
}

async function expectAgreement(): Promise<void> {
  const { sql } = database;
  for (const scope of SCOPES) {
    expect(await countUnfinished(sql, scope)).toMatchObject(await countedNow(scope));
    for (const since of [HOURS[0], HOURS[2], HOURS.at(-1)]) {
      if (since === undefined) throw new Error("no such hour");
      expect(await countDeliveriesSince(sql, { ...scope, since })).toEqual(
        await counted(scope, since),
      );
      const latency = await attemptLatencyMs(sql, { ...scope, since });
      const exact = await countedLatency(scope, since);
      for (const name of ["p50", "p95", "p99"] as const) {
        expect(isNear(latency[name], exact[name])).toBe(true);
      }
    }
  }
  const totals = await endpointTotals(sql, ENDPOINTS);
  for (const endpointId of ENDPOINTS) {
    const { byStatus } = await counted({ endpointId }, new Date(0));
    const { success, failed, cancelled, pending, sent } = byStatus as Record<string, number>;
    const total = [success, failed, cancelled, pending, sent].reduce<number>(
      (a, b) => a + (b ?? 0),
      0,
    );
    expect(totals.get(endpointId)).toEqual({ total, success, failed, cancelled });
  }
}

function isNear(found: number | null, exact: number | null): boolean {
  if (found === null || exact === null) return found === exact;
  return Math.abs(found - exact) <= exact * 0.05;
}

/** The sums, as they are kept, beside the same over the rows. */
async function differences() {
  const { sql } = database;
  return sql`
    with scoped as (
      select scope_id, grain, date_trunc(grain, created_at, 'UTC') as starts_at, event_type, status,
        greatest(attempt - attempts_before_round - 1, 0) as retries
      from webhook_deliveries, unnest(array['hour', 'day']) as grain,
        unnest(array['00000000-0000-0000-0000-000000000000'::uuid, client_id, endpoint_id])
          as scope_id
      where scope_id is not null
    ), counted as (
      select scope_id, grain, starts_at, event_type, count(*) as total,
        count(*) filter (where status = 'success') as success,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'cancelled') as cancelled,
        coalesce(sum(retries) filter (where status in ('success', 'failed')), 0) as retries
      from scoped group by 1, 2, 3, 4
    )
    (select * from counted except select * from delivery_stats)
    union all (select * from delivery_stats except select * from counted)`;
}

async function latencyDifferences() {
  return database.sql`
    with counted as (
      select scope_id, grain, date_trunc(grain, attempted_at, 'UTC') as starts_at,
        latency_bucket(duration_ms) as bucket, count(*)::int
      from webhook_delivery_logs, unnest(array['hour', 'day']) as grain,
        unnest(array['00000000-0000-0000-0000-000000000000'::uuid, client_id, endpoint_id])
          as scope_id
      where scope_id is not null
        and (error_type is null or error_type in ('http', 'network', 'timeout'))
      group by 1, 2, 3, 4
    ), kept as (
      select scope_id, grain, starts_at, bucket, count
      from attempt_latency, unnest(buckets, counts) as histogram (bucket, count)
    )
    (select * from counted except select * from kept)
    union all (select * from kept except select * from counted)`;
}

async function foldAll(): Promise<void> {
  while ((await foldStatDeltas(database.sql, 3)) >= 3);
}

const some = { rows: fc.integer({ min: 1, max: 10 }), seed: fc.nat() };
const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("insert"), ...some }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("claim", "succeed", "fail", "try again", "new round", "cancel"),
      ...some,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("disable", "delete", "delete logs", "rename event", "move endpoint"),
      ...some,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fold"), ...some }) },
);
/** So that there is something to cancel after its second attempt, say. */
const BEGINNING = ["insert", "claim", "try again", "insert", "claim", "try again"] as const;

describe("the statistics", () => {
  it("agree with a count over the rows at any moment, whatever was written and folded", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 10, maxLength: 40 }), async (writes) => {
        for (const kind of BEGINNING) await written(database.sql, { kind, rows: 40, seed: 1 });
        for (const [n, one] of writes.entries()) {
          if (one.kind === "fold") await foldStatDeltas(database.sql, one.rows);
          else await written(database.sql, one);
          if (n % 15 === 14) await expectAgreement();
        }
        await expectAgreement();
        await foldAll();
        expect(await differences()).toEqual([]);
        expect(await latencyDifferences()).toEqual([]);
        await expectAgreement();
        await database.sql`delete from webhook_deliveries`;
        await foldAll();
        for (const table of ["delivery_stats", "attempt_latency", "delivery_stat_deltas"]) {
          expect(await database.sql`select * from ${database.sql(table)}`).toEqual([]);
        }
      }),
      { numRuns: 10, endOnFailure: true },
    );
  });

  it("note nothing when a delivery is claimed, leased or waits for its retry", async () => {
    const { sql } = database;
    await written(sql, { kind: "insert", rows: 20, seed: 7 });
    await foldAll();
    await written(sql, { kind: "claim", rows: 20, seed: 1 });
    await written(sql, { kind: "try again", rows: 3, seed: 1 });
    await grantLeases(
      sql,
      (await sql<{ id: string }[]>`select id from webhook_deliveries where status = 'pending'`).map(
        ({ id }) => id,
      ),
    );
    expect(await sql`select * from delivery_stat_deltas`).toEqual([]);
  });

  it("sort durations into the same buckets as the code that reads them", async () => {
    const edges = BUCKET_STARTS_MS.flatMap((start) => [Math.max(0, start - 1), start, start + 1]);
    const rows = await database.sql<{ ms: number; bucket: number }[]>`
      select ms, latency_bucket(ms) as bucket
      from unnest(${edges.concat(2 ** 31 - 1)}::int[]) as ms`;
    expect(rows).toHaveLength(edges.length + 1);
    for (const { ms, bucket } of rows) {
      expect(bucket).toBe(BUCKET_STARTS_MS.findLastIndex((start) => start <= ms) + 1);
    }
  });

  it("start at the full hour before, and say so", async () => {
    const { since, days } = await readStats(
      database.sql,
      { days: 2 },
      new Date("2026-03-03T10:20:30.400Z"),
    );
    expect({ since, days }).toEqual({ since: "2026-03-01T10:00:00.000Z", days: 2 });
  });

  it("tell nothing of an endpoint that got nothing", async () => {
    const id = "00000000-0000-7000-8000-00000000ffff";
    const totals = await endpointTotals(database.sql, [id]);
    expect(totals.get(id)).toEqual({ total: 0, success: 0, failed: 0, cancelled: 0 });
    expect((await endpointTotals(database.sql, [])).size).toBe(0);
  });

  it("lose and repeat nothing while several fold and others write", async () => {
    const { sql } = database;
    const kinds = ["claim", "succeed", "new round", "delete", "insert"] as const;
    // One after the other, because two could lock the same rows in two orders; the inserts beside.
    const changing = (async () => {
      for (let n = 0; n < 40; n++) {
        const kind = kinds[n % kinds.length] ?? "insert";
        await written(sql, { kind, rows: 1 + (n % 7), seed: n });
      }
    })();
    const inserting = Array.from({ length: 20 }, (_, n) =>
      written(sql, { kind: "insert", rows: 3, seed: n }),
    );
    const folding = Array.from({ length: 40 }, () => foldStatDeltas(sql, 4));
    await Promise.all([changing, ...inserting, ...folding]);
    await foldAll();
    expect(await differences()).toEqual([]);
    expect(await latencyDifferences()).toEqual([]);
  });
});
