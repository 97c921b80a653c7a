/** The queue is disposable: whatever it loses comes back from the rows, once, at its time. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Queryable } from "@webhook-delivery/shared/db/client.ts";
import { countUnfinished } from "@webhook-delivery/shared/db/stats.ts";
import { recoverInterrupted } from "@webhook-delivery/shared/db/interruptions.ts";
import { createShard, ONE_SHARD, openRound } from "@webhook-delivery/shared/db/scheduling.ts";
import { walkDestinations } from "@webhook-delivery/shared/db/waiting.ts";
import { listWorkers } from "@webhook-delivery/shared/db/workers.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS } from "@webhook-delivery/shared/testing/service.ts";
import { insertRow, receipts, startCrew, type Crew } from "./crew.ts";

const ROWS = 60;
/** Low enough that most rows still wait when the queue is lost. */
const RATE_PER_SECOND = 20;
/** Not before both losses, also on a busy machine; about as long as lost jobs take to come back. */
const RETRY_AFTER_MS = 12_000;
/** A retry waits in the queue only this long before it is due; see the scheduler's horizon. */
const HORIZON_MS = 100;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

describe.each(BACKENDS)("two workers with the queue in %s", (backend) => {
  let crew: Crew;
  beforeAll(async () => {
    const env = {
      RATE_LIMIT_PER_SECOND: String(RATE_PER_SECOND),
      RETRY_SCHEDULE_SECONDS: String(RETRY_AFTER_MS / 1000),
    };
    crew = await startCrew({ backend, workers: 2, env });
  });
  afterAll(() => crew[Symbol.asyncDispose]());

  test("queue rows that never had a job, and deliver each once although the queue is lost twice", async () => {
    const hook = receiver.hook();
    const failing = receiver.hook(500, 200);
    const retried = await crew.accept(failing);
    await failing.waitFor(1);
    const ids = await Promise.all(Array.from({ length: ROWS }, () => crew.accept(hook)));
    const retryAt = await untilRetryIsKnown(retried);

    // Lost while full, twice; the retry is not due yet and in no queue.
    for (const arrived of [ROWS / 12, ROWS / 4]) {
      await hook.waitFor(arrived);
      expect(hook.arrivals.length).toBeLessThan(ROWS);
      await crew.loseQueue();
    }
    expect(Date.now()).toBeLessThan(retryAt.getTime() - HORIZON_MS);
    expect((await crew.delivery(retried))?.nextRetryAt).toEqual(retryAt);

    const [, second] = await failing.waitFor(2);
    expect(second?.atMs).toBeGreaterThanOrEqual(retryAt.getTime() - 50);
    expect(second?.atMs).toBeLessThan(retryAt.getTime() + 1_500);
    await crew.finished(retried);
    expect(receipts(failing)).toEqual([
      { id: retried, attempt: "1" },
      { id: retried, attempt: "2" },
    ]);
    expect(await crew.attempts(retried)).toMatchObject([
      { attemptNumber: 1, responseStatus: 500, willRetry: true, retryAt },
      { attemptNumber: 2, responseStatus: 200, willRetry: false },
    ]);

    await hook.waitFor(ROWS);
    await Promise.all(ids.map((id) => crew.finished(id)));
    const arrived = receipts(hook).map(({ id }) => id);
    expect(arrived.toSorted()).toEqual(ids.toSorted());
    expect(new Set(receipts(hook).map(({ attempt }) => attempt))).toEqual(new Set(["1"]));
    for (const worker of crew.workers) {
      expect(worker.lines.some(({ event }) => event === "delivery.attempted")).toBe(true);
    }
  });

  async function untilRetryIsKnown(id: string): Promise<Date> {
    const isRetried = (line: Readonly<Record<string, unknown>>): boolean =>
      line["deliveryId"] === id && typeof line["nextRetryAt"] === "string";
    await Promise.any(crew.workers.map((worker) => worker.waitForLine(isRetried)));
    const retryAt = (await crew.delivery(id))?.nextRetryAt;
    if (!retryAt) throw new Error("it is not waiting for a retry");
    return retryAt;
  }
});

interface Plan {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Relation Name"?: string;
  readonly "Rows Removed by Filter"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly Plan[];
}

/** The plan of the one statement that `query` makes, as it was executed. */
async function explain(sql: Queryable, query: (sql: Queryable) => Promise<unknown>): Promise<Plan> {
  let plan: Plan | undefined;
  const explaining = (strings: TemplateStringsArray, ...values: never[]): unknown => {
    const [first = "", ...rest] = strings;
    // The rest are parts of it.
    if (!/^\s*(?:select|with)\b/.test(first)) return sql(strings, ...values);
    const texts = [`explain (analyze, buffers, format json) ${first}`, ...rest];
    const explained = sql<{ "QUERY PLAN": [{ Plan: Plan }] }[]>(
      Object.assign(texts, { raw: texts }),
      ...values,
    );
    return explained.then(([row]) => {
      plan = row?.["QUERY PLAN"][0].Plan;
      return [{ id: randomUUID() }];
    });
  };
  await query(explaining as unknown as Queryable);
  if (plan === undefined) throw new Error("no plan");
  return plan;
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

const FINISHED_ROWS = 20_000;
/** A handful of index pages and the rows they lead to; the finished rows take over a thousand pages. */
const MOST_BLOCKS = 150;

describe("with nothing to do among many finished deliveries", () => {
  let crew: Crew;
  beforeAll(async () => {
    crew = await startCrew({ backend: "redis", workers: 0 });
    const { sql } = crew.database;
    await sql`
      insert into webhook_deliveries
        (id, event_type, webhook_url, payload, body, format, max_attempts, status, delivered_at)
      select gen_random_uuid(), 'lead.captured', 'https://example.com/', '{}', '{}', 'raw', 4,
        'success', now()
      from generate_series(1, ${FINISHED_ROWS})`;
    const later = await insertRow(crew.database, "https://example.com/");
    await sql`
      update webhook_deliveries set attempt = 1, next_retry_at = now() + interval '125 seconds'
      where id = ${later}`;
    await createShard(sql, ONE_SHARD);
    await sql`analyze webhook_deliveries`;
  });
  afterAll(() => crew[Symbol.asyncDispose]());

  const workerIds = [randomUUID()];
  const walk = { after: "", limit: 500, countUpTo: 50, horizonMs: HORIZON_MS, shard: ONE_SHARD };
  const cutOff = { exceptClaimIds: [], claimedBefore: "infinity", maxInterruptions: 10 };

  test.each<[string, string, (sql: Queryable) => Promise<unknown>]>([
    ["walk", "webhook_deliveries_waiting", (sql) => walkDestinations(sql, walk)],
    [
      "count of what is outstanding",
      "webhook_deliveries_in_flight",
      (sql) => openRound(sql, { shard: ONE_SHARD, workerId: randomUUID() }),
    ],
    [
      "search for interrupted attempts",
      "webhook_deliveries_in_flight",
      (sql) => recoverInterrupted(sql, { workerIds, ...cutOff }),
    ],
    ["list of workers", "webhook_deliveries_in_flight", listWorkers],
    [
      "count of what is undelivered",
      "webhook_deliveries_unfinished",
      (sql) => countUnfinished(sql, undefined),
    ],
  ])("the %s reads %s and touches no finished row", async (_name, index, query) => {
    const plan = await explain(crew.database.sql, query);
    const scans = nodesOf(plan).filter((node) => node["Index Name"] !== undefined);
    expect(scans.map((node) => node["Index Name"])).toContain(index);
    for (const node of nodesOf(plan)) {
      const isScanOfAll =
        node["Node Type"] === "Seq Scan" && node["Relation Name"] === "webhook_deliveries";
      expect(isScanOfAll).toBe(false);
      // At most the one that waits for its retry.
      expect(node["Rows Removed by Filter"] ?? 0).toBeLessThanOrEqual(1);
    }
    expect(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]).toBeLessThan(MOST_BLOCKS);
  });
});

const MUCH = 20_000;
/** The rows that it looks at may be on pages of their own, and indexes are higher; all rows have 2,000 pages. */
const A_FEW_BLOCKS = 100;

test("a round looks as little at a destination with 20,000 due as at one with a few", async () => {
  await using crew = await startCrew({ backend: "redis", workers: 0 });
  const { sql } = crew.database;
  const walk = { after: "", limit: 500, countUpTo: 21, horizonMs: HORIZON_MS, shard: ONE_SHARD };
  const insert = (count: number) => sql`
    insert into webhook_deliveries
      (id, event_type, webhook_url, payload, body, format, max_attempts, next_retry_at)
    select gen_random_uuid(), 'lead.captured', 'https://example.com/', '{}', '{}', 'raw', 4, now()
    from generate_series(1, ${count}::int)`;
  const blocks = async (): Promise<number> => {
    await sql`vacuum analyze webhook_deliveries`;
    const plan = await explain(sql, (queryable) => walkDestinations(queryable, walk));
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  };
  await insert(50);
  const few = await blocks();
  await insert(MUCH);
  expect(await blocks()).toBeLessThan(few + A_FEW_BLOCKS);
});
