import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { newDelivery } from "../testing/factories.ts";
import { claimNow, grantLeases } from "../testing/leases.ts";
import { type AttemptRecord, recordAttempts } from "./attempts.ts";
import { claimDeliveries, type ClaimedDelivery } from "./claims.ts";
import { connectDatabase, inTransaction, type Sql } from "./client.ts";
import { cancelDelivery, findDelivery, insertDeliveries, startNewRounds } from "./deliveries.ts";
import { listAttempts } from "./delivery-logs.ts";
import { upsertLead } from "./leads.ts";
import { recoverInterrupted } from "./interruptions.ts";

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

async function recordAttempt(on: Sql, record: AttemptRecord, now?: Date): Promise<boolean> {
  const [recorded] = await recordAttempts(on, [record], now);
  return recorded?.isSettled === true;
}

async function startNewRound(id: string) {
  const [started] = await startNewRounds(sql, [{ id, orderNo: null }]);
  return started;
}

interface Given {
  readonly leadId?: string;
  readonly maxAttempts?: number;
  /** Milliseconds from now; negative: since then. */
  readonly dueInMs?: number;
}

async function accept({ leadId, maxAttempts = 4, dueInMs = 0 }: Given = {}): Promise<string> {
  const row = newDelivery({
    leadId: leadId ?? null,
    secretEncrypted: randomBytes(40),
    maxAttempts,
  });
  const { id } = row;
  await insertDeliveries(sql, [row]);
  await sql`
    update webhook_deliveries set next_retry_at = now() + ${dueInMs} * interval '1 millisecond'
    where id = ${id}`;
  return id;
}

function claim(deliveryId: string, workerId?: string) {
  return claimNow(sql, deliveryId, workerId);
}

async function claimSurely(deliveryId: string, workerId?: string): Promise<ClaimedDelivery> {
  const claimed = await claim(deliveryId, workerId);
  if (claimed === undefined) throw new Error("the claim was refused");
  return claimed;
}

function resultOf(claimed: ClaimedDelivery, also: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    deliveryId: claimed.id,
    claimId: claimed.claimId,
    attemptNumber: claimed.attempt,
    attemptedAt: new Date("2026-03-01T12:00:00.123Z"),
    durationMs: 42,
    earlierCalls: [],
    requestUrl: null,
    requestHeaders: { "webhook-signature": "v1,abc" },
    responseStatus: 200,
    responseHeaders: { server: "test" },
    responseBody: "ok",
    error: null,
    errorType: null,
    next: { status: "success" },
    chargedTo: "receiver",
    ...also,
  };
}

const FAILURE = {
  responseStatus: 500,
  error: "The receiver answered 500.",
  errorType: "http",
} as const;

function recover(workerIds: readonly string[], also: { maxInterruptions?: number } = {}) {
  return recoverInterrupted(sql, {
    workerIds,
    exceptClaimIds: [],
    claimedBefore: "infinity",
    maxInterruptions: 10,
    ...also,
  });
}

async function stateOf(id: string) {
  const [row] = await sql`
    select status, attempt, max_attempts, interruptions, internal_faults, attempts_before_round, claim_id, worker_id,
      next_retry_at, delivered_at, sent_at, response_status, response_body, last_error, error_type,
      signature, permit from webhook_deliveries where id = ${id}`;
  return row;
}

describe("claiming a delivery", () => {
  it("gives it to one of many that ask at once", async () => {
    const id = await accept();
    const claims = await Promise.all(Array.from({ length: CALLERS }, () => claim(id)));
    const given = claims.filter((claimed) => claimed !== undefined);
    expect(given).toHaveLength(1);
    expect(await stateOf(id)).toMatchObject({
      status: "sent",
      attempt: 1,
      claim_id: given[0]?.claimId,
      next_retry_at: null,
    });
  });

  it("is granted for a valid lease alone, once", async () => {
    const [unleased, expired, future, leased] = [
      await accept(),
      await accept(),
      await accept(),
      await accept(),
    ];
    await grantLeases(sql, [expired, future, leased], "low");
    await sql`
      update delivery_leases set starts_at = now() - interval '9 seconds', expires_at = now()
      where delivery_id = ${expired}`;
    await sql`
      update delivery_leases set starts_at = now() + interval '1 second' where delivery_id = ${future}`;
    const ids = [unleased, expired, future, leased];
    const wanted = ids.map((deliveryId) => ({ deliveryId, claimId: randomUUID() }));
    const claimed = await claimDeliveries(sql, randomUUID(), wanted);
    expect(claimed).toMatchObject([undefined, undefined, undefined, { id: leased, permit: "low" }]);
    expect(await stateOf(leased)).toMatchObject({ status: "sent", permit: "low" });
    expect(await stateOf(unleased)).toMatchObject({ status: "pending", attempt: 0 });
    const left =
      await sql`select delivery_id as id from delivery_leases where delivery_id = any (${ids}::uuid[])`;
    expect(left.map(({ id }) => String(id)).toSorted()).toEqual([expired, future].toSorted());
  });

  it("refuses one whose endpoint is gone: nothing could be signed", async () => {
    const row = newDelivery({ endpointId: randomUUID() });
    await insertDeliveries(sql, [row]);
    expect(await claim(row.id)).toBeUndefined();
    expect(await stateOf(row.id)).toMatchObject({ status: "pending", attempt: 0 });
  });

  it("refuses one that is not due, by more than clocks may differ", async () => {
    expect(await claim(await accept({ dueInMs: 5_000 }))).toBeUndefined();
    expect(await claim(await accept({ dueInMs: 20 }))).toBeDefined();
  });

  it("refuses one that is in flight, finished, cancelled or not there", async () => {
    const inFlight = await accept();
    await claimSurely(inFlight);
    const finished = await accept();
    await recordAttempt(sql, resultOf(await claimSurely(finished)));
    const cancelled = await accept();
    await cancelDelivery(sql, cancelled);
    for (const id of [inFlight, finished, cancelled, randomUUID()]) {
      expect(await claim(id)).toBeUndefined();
    }
    expect(await stateOf(cancelled)).toMatchObject({ status: "cancelled", attempt: 0 });
  });

  it("cannot be called back by cancelling", async () => {
    const id = await accept();
    await claimSurely(id);
    expect(await cancelDelivery(sql, id)).toBeUndefined();
    expect(await stateOf(id)).toMatchObject({ status: "sent" });
  });

  it("goes to a claim or to a cancellation when both come at once", async () => {
    for (let round = 0; round < 20; round++) {
      const id = await accept();
      const [claimed, cancelled] = await Promise.all([claim(id), cancelDelivery(sql, id)]);
      expect((claimed === undefined) !== (cancelled === undefined)).toBe(true);
    }
  });
});

describe("recording an attempt", () => {
  it("writes the delivery's new state and the log row together", async () => {
    const id = await accept();
    const claimed = await claimSurely(id);
    expect(await recordAttempt(sql, resultOf(claimed))).toBe(true);
    expect(await stateOf(id)).toMatchObject({
      status: "success",
      attempt: 1,
      claim_id: null,
      worker_id: null,
      delivered_at: expect.any(Date) as unknown,
      sent_at: new Date("2026-03-01T12:00:00.123Z"),
      response_status: 200,
      response_body: "ok",
      last_error: null,
      error_type: null,
      signature: "v1,abc",
    });
    expect(await listAttempts(sql, id)).toEqual([
      {
        id: expect.any(String) as unknown,
        deliveryId: id,
        attemptNumber: 1,
        attemptedAt: new Date("2026-03-01T12:00:00.123Z"),
        durationMs: 42,
        requestUrl: null,
        requestHeaders: { "webhook-signature": "v1,abc" },
        responseStatus: 200,
        responseHeaders: { server: "test" },
        responseBody: "ok",
        error: null,
        errorType: null,
        willRetry: false,
        retryAt: null,
      },
    ]);
  });

  it("logs the calls that came before its last one, each once however often it is said", async () => {
    const id = await accept();
    const claimed = await claimSurely(id);
    const requestUrl = "https://api.example/first";
    const earlier = {
      callId: randomUUID(),
      attemptedAt: new Date("2026-03-01T12:00:00.100Z"),
      durationMs: 20,
      requestUrl,
      requestHeaders: { "x-key": "***" },
      responseStatus: 201,
      responseHeaders: {},
      responseBody: "made",
    };
    const record = resultOf(claimed, {
      ...FAILURE,
      next: { status: "failed" },
      earlierCalls: [earlier],
    });
    expect(await recordAttempt(sql, record)).toBe(true);
    expect(await recordAttempt(sql, record)).toBe(true);
    expect(await listAttempts(sql, id)).toMatchObject([
      { attemptNumber: 1, requestUrl, responseStatus: 201, responseBody: "made", error: null },
      { attemptNumber: 1, requestUrl: null, responseStatus: 500, error: FAILURE.error },
    ]);
  });

  it("sets the next attempt in both, the wait counted on the database's clock", async () => {
    const id = await accept();
    // A machine whose clock is years away from the database's.
    const now = new Date("2001-01-01T00:00:00.000Z");
    const retryAt = new Date("2001-01-01T00:00:05.250Z");
    const next = { status: "pending", retryAt } as const;
    const claimed = await claimSurely(id);
    expect(await recordAttempt(sql, resultOf(claimed, { ...FAILURE, next }), now)).toBe(true);
    expect(await stateOf(id)).toMatchObject({
      status: "pending",
      attempt: 1,
      last_error: FAILURE.error,
      error_type: "http",
    });
    const [row] = await sql<{ waitMs: number; next_retry_at: Date }[]>`
      select (extract(epoch from next_retry_at - updated_at) * 1000)::float8 as "waitMs",
        next_retry_at from webhook_deliveries where id = ${id}`;
    expect(row?.waitMs).toBe(5_250);
    const logged = await listAttempts(sql, id);
    expect(logged).toMatchObject([{ willRetry: true, retryAt: row?.next_retry_at }]);
  });

  it("tells the lead of a success and of nothing else", async () => {
    const leadId = randomUUID();
    await upsertLead(sql, { id: leadId, clientId: null }, { email: "a@example.com" });
    const leadStatus = async () =>
      (await sql`select status from leads where id = ${leadId}`)[0]?.["status"] as unknown;
    const next = { status: "failed" } as const;
    const failed = await claimSurely(await accept({ leadId }));
    await recordAttempt(sql, resultOf(failed, { ...FAILURE, next }));
    expect(await leadStatus()).toBeNull();
    await recordAttempt(sql, resultOf(await claimSurely(await accept({ leadId }))));
    expect(await leadStatus()).toBe("webhook_sent");
  });

  it("gives the attempt back after a fault of ours", async () => {
    const id = await accept({ maxAttempts: 1 });
    const next = { status: "pending", retryAt: new Date(0) } as const;
    const fault = { error: "ours", errorType: "internal", next, chargedTo: "us" } as const;
    for (const internalFaults of [0, 1, 2]) {
      const claimed = await claimSurely(id);
      expect(claimed).toMatchObject({ attempt: 1, internalFaults });
      await recordAttempt(sql, resultOf(claimed, { ...fault, responseStatus: null }));
      expect(await stateOf(id)).toMatchObject({ status: "pending", attempt: 0, interruptions: 0 });
    }
    await recordAttempt(sql, resultOf(await claimSurely(id)));
    expect(await stateOf(id)).toMatchObject({ status: "success", attempt: 1, internal_faults: 0 });
  });

  it("logs once when it is said again because the answer was lost", async () => {
    const id = await accept();
    const record = resultOf(await claimSurely(id));
    expect(await recordAttempt(sql, record)).toBe(true);
    const before = await stateOf(id);
    expect(await recordAttempt(sql, record)).toBe(true);
    expect(await stateOf(id)).toEqual(before);
    expect(await listAttempts(sql, id)).toHaveLength(1);
  });

  it("logs once when it is said again while the first time is still under way", async () => {
    const id = await accept();
    const record = resultOf(await claimSurely(id));
    let both: Promise<boolean[]> | undefined;
    // A lock on the row holds both statements up after they have begun.
    await inTransaction(sql, async (tx) => {
      await tx`select from webhook_deliveries where id = ${id} for update`;
      both = Promise.all([recordAttempt(sql, record), recordAttempt(sql, record)]);
      await untilBlocked(2);
    });
    const settled = await both;
    expect(await stateOf(id)).toMatchObject({ status: "success", attempt: 1 });
    expect(await listAttempts(sql, id)).toHaveLength(1);
    expect(settled).toEqual([true, true]);
  });
});

/** Until that many statements of this database wait for a lock. */
async function untilBlocked(statements: number): Promise<void> {
  for (;;) {
    const [row] = await sql`
      select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    if (row?.["count"] === statements) return;
  }
}

describe("a result that comes late", () => {
  it("is logged as an extra attempt and leaves the attempt that is in flight alone", async () => {
    const leadId = randomUUID();
    await upsertLead(sql, { id: leadId, clientId: null }, {});
    const id = await accept({ leadId });
    const lateWorker = randomUUID();
    const late = await claimSurely(id, lateWorker);
    expect(await recover([lateWorker])).toEqual([id]);
    const current = await claimSurely(id);
    const before = await stateOf(id);

    expect(await recordAttempt(sql, resultOf(late))).toBe(false);
    expect(await stateOf(id)).toEqual(before);
    expect((await sql`select status from leads where id = ${leadId}`)[0]).toEqual({ status: null });

    const next = { status: "failed" } as const;
    expect(await recordAttempt(sql, resultOf(current, { ...FAILURE, next }))).toBe(true);
    expect(await stateOf(id)).toMatchObject({ status: "failed", attempt: 1 });
    const errorTypes = (await listAttempts(sql, id)).map(({ errorType }) => errorType);
    expect(errorTypes).toHaveLength(3);
    expect(new Set(errorTypes)).toEqual(new Set(["http", "interrupted", null]));
  });

  it("does not overwrite a delivery that has finished since", async () => {
    const id = await accept();
    const lateWorker = randomUUID();
    const late = await claimSurely(id, lateWorker);
    await recover([lateWorker]);
    await recordAttempt(sql, resultOf(await claimSurely(id)));
    const before = await stateOf(id);

    const next = { status: "pending", retryAt: new Date("2030-01-01") } as const;
    expect(await recordAttempt(sql, resultOf(late, { ...FAILURE, next }))).toBe(false);
    expect(await stateOf(id)).toEqual(before);
    const extra = (await listAttempts(sql, id)).find(({ errorType }) => errorType === "http");
    expect(extra).toMatchObject({ willRetry: false, retryAt: null });
  });

  it("is logged once when it is said again because the answer was lost", async () => {
    const id = await accept();
    const lateWorker = randomUUID();
    const late = resultOf(await claimSurely(id, lateWorker));
    await recover([lateWorker]);
    expect(await recordAttempt(sql, late)).toBe(false);
    expect(await recordAttempt(sql, late)).toBe(true);
    expect(await listAttempts(sql, id)).toHaveLength(2);
  });

  it("is nothing to a delivery that is gone", async () => {
    const id = await accept();
    const late = await claimSurely(id);
    await sql`delete from webhook_deliveries where id = ${id}`;
    await recordAttempt(sql, resultOf(late));
    expect(await findDelivery(sql, { id })).toBeUndefined();
    expect(await listAttempts(sql, id)).toEqual([]);
  });
});

describe("the attempts of a worker that is gone", () => {
  it("are logged as interrupted, run again at once and spend none of the receiver's attempts", async () => {
    const id = await accept({ maxAttempts: 1 });
    const workerId = randomUUID();
    await claimSurely(id, workerId);
    expect(await recover([workerId])).toEqual([id]);
    expect(await stateOf(id)).toMatchObject({
      status: "pending",
      attempt: 0,
      interruptions: 1,
      error_type: "interrupted",
    });
    expect(await listAttempts(sql, id)).toMatchObject([
      { attemptNumber: 1, errorType: "interrupted", willRetry: true, responseStatus: null },
    ]);
    expect(await claim(id)).toBeDefined();
  });

  it("are taken up by one of many that find them", async () => {
    const workerId = randomUUID();
    const ids = await Promise.all(Array.from({ length: 30 }, () => accept()));
    for (const id of ids) await claimSurely(id, workerId);
    const taken = await Promise.all(Array.from({ length: CALLERS }, () => recover([workerId])));
    expect(taken.flat().sort()).toEqual(ids.sort());
    for (const id of ids) expect(await listAttempts(sql, id)).toHaveLength(1);
  });

  it("are not those of other workers, of claims that are held, or made since the look", async () => {
    const workerId = randomUUID();
    const held = await claimSurely(await accept(), workerId);
    await claimSurely(await accept());
    const lost = await claimSurely(await accept(), workerId);
    const [clock] = await sql<{ now: string }[]>`select now()::text as now`;
    await claimSurely(await accept(), workerId);
    const recovered = await recoverInterrupted(sql, {
      workerIds: [workerId],
      exceptClaimIds: [held.claimId],
      claimedBefore: clock?.now ?? "missing",
      maxInterruptions: 10,
    });
    expect(recovered).toEqual([lost.id]);
  });

  it("are given up when they end so often in a row", async () => {
    const id = await accept();
    const workerId = randomUUID();
    for (const interruptions of [1, 2]) {
      await claimSurely(id, workerId);
      await recover([workerId], { maxInterruptions: 3 });
      expect(await stateOf(id)).toMatchObject({ status: "pending", interruptions });
    }
    await claimSurely(id, workerId);
    await recover([workerId], { maxInterruptions: 3 });
    expect(await stateOf(id)).toMatchObject({
      status: "failed",
      attempt: 0,
      next_retry_at: null,
      error_type: "interrupted",
      last_error: "Given up: the worker died during 3 attempts in a row.",
    });
    expect(await claim(id)).toBeUndefined();
    const logged = await listAttempts(sql, id);
    expect(logged.map(({ willRetry }) => willRetry)).toEqual([true, true, false]);
  });

  it("are not counted together with other faults of ours", async () => {
    const id = await accept();
    const workerId = randomUUID();
    const next = { status: "pending", retryAt: new Date(0) } as const;
    const fault = { error: "ours", errorType: "internal", next, chargedTo: "us" } as const;
    for (let faults = 0; faults < 5; faults++) {
      await recordAttempt(sql, resultOf(await claimSurely(id), fault));
    }
    await claimSurely(id, workerId);
    await recover([workerId], { maxInterruptions: 3 });
    expect(await stateOf(id)).toMatchObject({ status: "pending", interruptions: 1 });
  });

  it("are counted anew after an attempt that came to a result, and in a new round", async () => {
    const id = await accept();
    const workerId = randomUUID();
    await claimSurely(id, workerId);
    await recover([workerId], { maxInterruptions: 2 });
    const next = { status: "pending", retryAt: new Date(0) } as const;
    await recordAttempt(sql, resultOf(await claimSurely(id), { ...FAILURE, next }));
    await claimSurely(id, workerId);
    await recover([workerId], { maxInterruptions: 2 });
    expect(await stateOf(id)).toMatchObject({ status: "pending", attempt: 1 });
    await claimSurely(id, workerId);
    await recover([workerId], { maxInterruptions: 2 });
    expect(await stateOf(id)).toMatchObject({ status: "failed" });
    await startNewRound(id);
    expect(await stateOf(id)).toMatchObject({ status: "pending", interruptions: 0 });
  });
});

describe("a new round", () => {
  it("brings as many attempts as the first, after those that were made", async () => {
    const id = await accept({ maxAttempts: 2 });
    const pending = { ...FAILURE, next: { status: "pending", retryAt: new Date(0) } } as const;
    const failed = { ...FAILURE, next: { status: "failed" } } as const;
    await recordAttempt(sql, resultOf(await claimSurely(id), pending));
    await recordAttempt(sql, resultOf(await claimSurely(id), failed));
    for (const round of [2, 3]) {
      expect(await startNewRound(id)).toMatchObject({
        status: "pending",
        attempt: 2 * (round - 1),
        maxAttempts: 2 * round,
        lastError: null,
      });
      await recordAttempt(sql, resultOf(await claimSurely(id), pending));
      const last = await claimSurely(id);
      expect(last.attemptsBeforeRound).toBe(2 * (round - 1));
      await recordAttempt(sql, resultOf(last, failed));
    }
    expect(await listAttempts(sql, id)).toHaveLength(6);
  });

  it("does not start for what is pending, in flight or not there", async () => {
    const inFlight = await accept();
    await claimSurely(inFlight);
    for (const id of [await accept(), inFlight, randomUUID()]) {
      expect(await startNewRound(id)).toBeUndefined();
    }
  });

  it("starts once when many ask at once", async () => {
    const id = await accept();
    await recordAttempt(sql, resultOf(await claimSurely(id)));
    const rounds = await Promise.all(Array.from({ length: CALLERS }, () => startNewRound(id)));
    expect(rounds.filter((round) => round !== undefined)).toHaveLength(1);
  });
});
