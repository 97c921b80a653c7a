import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { insertEndpoint, newDelivery } from "../testing/factories.ts";
import { grantLeases } from "../testing/leases.ts";
import { recordAttempts, type AttemptRecord, type Recorded } from "./attempts.ts";
import { claimDeliveries } from "./claims.ts";
import { connectDatabase, type Sql } from "./client.ts";
import { insertDeliveries } from "./deliveries.ts";

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = connectDatabase({ url: database.url, applicationName: "tests", maxConnections: 12 });
});
afterAll(async () => {
  await sql.end();
  await database[Symbol.asyncDispose]();
});

const START_MS = Date.parse("2026-03-01T12:00:00.000Z");

type Outcome = "success" | "http" | "network" | "timeout" | "blocked" | "internal";

/** Attempts that were made one second after the other, and how each ended. */
async function attempted(
  endpointIds: readonly string[],
  outcomes: readonly Outcome[],
): Promise<AttemptRecord[]> {
  const rows = outcomes.map((_, index) =>
    newDelivery({ endpointId: endpointIds[index % endpointIds.length] ?? null }),
  );
  await insertDeliveries(sql, rows);
  await grantLeases(
    sql,
    rows.map(({ id }) => id),
  );
  const claims = await claimDeliveries(
    sql,
    randomUUID(),
    rows.map(({ id }) => ({ deliveryId: id, claimId: randomUUID() })),
  );
  return outcomes.map((outcome, index) => {
    const claim = claims[index];
    if (claim === undefined) throw new Error("the claim was refused");
    const isSuccess = outcome === "success";
    return {
      deliveryId: claim.id,
      claimId: claim.claimId,
      attemptNumber: 1,
      attemptedAt: new Date(START_MS + index * 1_000),
      durationMs: 1,
      earlierCalls: [],
      requestUrl: null,
      requestHeaders: {},
      responseStatus: null,
      responseHeaders: null,
      responseBody: null,
      error: isSuccess ? null : `${outcome} ${index}`,
      errorType: isSuccess ? null : outcome,
      next: { status: isSuccess ? "success" : "failed" },
      chargedTo: "receiver",
    };
  });
}

async function healthOf(endpointId: string) {
  const [row] = await sql`
    select failure_count as "failureCount", failing_since as "failingSince",
      last_error as "lastError", last_attempt_at as "lastAttemptAt",
      last_success_at as "lastSuccessAt"
    from webhook_endpoint_health where endpoint_id = ${endpointId}`;
  return row;
}

const second = (index: number): Date => new Date(START_MS + index * 1_000);

describe("an endpoint's health", () => {
  it.each<[readonly Outcome[], object]>([
    [["success"], { failureCount: 0, failingSince: null, lastSuccessAt: second(0) }],
    [["http", "timeout"], { failureCount: 2, failingSince: second(0), lastError: "timeout 1" }],
    [
      ["network", "success", "http", "blocked"],
      { failureCount: 2, failingSince: second(2), lastSuccessAt: second(1) },
    ],
    [["http", "success"], { failureCount: 0, failingSince: null, lastError: "http 0" }],
    [["internal"], { failureCount: 0, lastAttemptAt: null, lastError: null }],
    [["success", "internal"], { failureCount: 0, lastAttemptAt: second(0) }],
  ])("after %j is the same, recorded together or one by one", async (outcomes, expected) => {
    const [together, oneByOne] = [await insertEndpoint(sql), await insertEndpoint(sql)];
    await recordAttempts(sql, await attempted([together], outcomes));
    for (const record of await attempted([oneByOne], outcomes)) await recordAttempts(sql, [record]);
    expect(await healthOf(together)).toMatchObject(expected);
    expect(await healthOf(oneByOne)).toEqual(await healthOf(together));
  });

  it("goes on counting from one record to the next", async () => {
    const endpointId = await insertEndpoint(sql);
    const record = async (...outcomes: Outcome[]): Promise<Recorded | undefined> =>
      (await recordAttempts(sql, await attempted([endpointId], outcomes))).at(-1);
    await record("http", "http");
    expect((await record("http"))?.health).toMatchObject({ failureCount: 3 });
    const { failingSince } = (await healthOf(endpointId)) ?? {};
    expect(failingSince).toEqual(second(0));
    expect((await record("success"))?.health).toMatchObject({
      failureCount: 0,
      failingSince: null,
      awaitsRecovery: false,
    });
  });

  it("is not counted twice when a record is said twice", async () => {
    const endpointId = await insertEndpoint(sql);
    const records = await attempted([endpointId], ["http"]);
    await recordAttempts(sql, records);
    expect(await recordAttempts(sql, records)).toEqual([{ isSettled: true, health: undefined }]);
    expect(await healthOf(endpointId)).toMatchObject({ failureCount: 1 });
  });

  it("is told to nobody when the endpoint was deleted meanwhile", async () => {
    const endpointId = await insertEndpoint(sql);
    const records = await attempted([endpointId], ["http"]);
    await sql`delete from webhook_endpoints where id = ${endpointId}`;
    expect(await recordAttempts(sql, records)).toEqual([{ isSettled: true, health: undefined }]);
  });

  it("counts every attempt that many workers record at once, in whatever order", async () => {
    const endpointIds = await Promise.all(Array.from({ length: 6 }, () => insertEndpoint(sql)));
    const batches = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        attempted(
          index % 2 === 0 ? endpointIds : endpointIds.toReversed(),
          Array.from({ length: 30 }, () => "http" as const),
        ),
      ),
    );
    await Promise.all(batches.map((records) => recordAttempts(sql, records)));
    for (const endpointId of endpointIds) {
      expect(await healthOf(endpointId)).toMatchObject({ failureCount: 50 });
    }
  });
});
