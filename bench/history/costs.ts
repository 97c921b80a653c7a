/** What keeping the numbers costs the writers, and what removing old rows costs those who post. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { smallestIdAt, timeOfId } from "@webhook-delivery/shared/core/ids.ts";
import { recordAttempts, type AttemptRecord } from "@webhook-delivery/shared/db/attempts.ts";
import { claimDeliveries } from "@webhook-delivery/shared/db/claims.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { insertDeliveries } from "@webhook-delivery/shared/db/deliveries.ts";
import { removeDeliveries } from "@webhook-delivery/shared/db/retention.ts";
import { retentionOnce } from "../../apps/worker/src/loops/retention.ts";

const TRIGGERS = {
  webhook_deliveries: ["delivery_stats_insert", "delivery_stats_update", "delivery_stats_delete"],
  webhook_delivery_logs: ["attempt_latency_insert", "attempt_latency_delete"],
};
const ROUNDS = 3;
const ROWS = 10_000;
const AT_ONCE = 4;
const BATCH = 100;

/** Inserts one by one, claims and results in hundreds, as ingest and worker do. */
export async function measureTriggers(sql: Sql): Promise<void> {
  const rates: Record<string, Record<string, number>> = {};
  for (let round = 1; round <= ROUNDS; round++) {
    for (const isOn of [true, false]) {
      await switchTriggers(sql, isOn);
      const rate = await workThrough(sql);
      rates[`round ${round}, triggers ${isOn ? "on" : "off"}`] = rate;
    }
  }
  await switchTriggers(sql, true);
  console.table(rates);
}

async function switchTriggers(sql: Sql, isOn: boolean): Promise<void> {
  for (const [table, triggers] of Object.entries(TRIGGERS)) {
    for (const trigger of triggers) {
      await sql.unsafe(`alter table ${table} ${isOn ? "enable" : "disable"} trigger ${trigger}`);
    }
  }
}

/** Removes what it wrote, so that what was not counted is not missed. */
async function workThrough(sql: Sql) {
  const ids = Array.from({ length: ROWS }, () => newId());
  const insertMs = await elapsed(() => inParallel(ids, (id) => insertOne(sql, id)));
  const batches = Array.from({ length: ROWS / BATCH }, (_, n) =>
    ids.slice(n * BATCH, (n + 1) * BATCH),
  );
  const finishMs = await elapsed(() => inParallel(batches, (batch) => finish(sql, batch)));
  await sql`delete from webhook_deliveries where id = any (${ids}::uuid[])`;
  return {
    "inserted per second": Math.round((ROWS / insertMs) * 1000),
    "claimed and finished per second": Math.round((ROWS / finishMs) * 1000),
  };
}

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>) {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

const content = {
  payloadText: JSON.stringify({ text: "x".repeat(250) }),
  body: JSON.stringify({ text: "x".repeat(250) }),
};

async function insertOne(sql: Sql, id: string): Promise<void> {
  await insertDeliveries(sql, [
    {
      id,
      clientId: null,
      endpointId: null,
      leadId: null,
      eventId: null,
      eventType: "message.received",
      webhookUrl: "https://hooks-0.example.com/in",
      content,
      format: "raw",
      secretEncrypted: null,
      maxAttempts: 4,
      hasOwnMaxAttempts: true,
      isTestDelivery: false,
      metadataText: null,
      createdAt: timeOfId(id),
      idempotency: null,
      orderNo: null,
      isEndpointDisabled: false,
      outboxMessageId: null,
    },
  ]);
}

async function finish(sql: Sql, ids: readonly string[]): Promise<void> {
  const claims = ids.map((deliveryId) => ({ deliveryId, claimId: randomUUID() }));
  await sql`
    insert into delivery_leases
    select id, destination, 'normal', now(), now() + interval '10 seconds' from webhook_deliveries
    where id = any (${ids}::uuid[])`;
  await claimDeliveries(sql, randomUUID(), claims);
  const records = claims.map(({ deliveryId, claimId }): AttemptRecord => ({
    deliveryId,
    claimId,
    attemptNumber: 1,
    attemptedAt: new Date(),
    durationMs: 40 + Math.floor(Math.random() * 100),
    earlierCalls: [],
    requestUrl: null,
    requestHeaders: { "content-type": "application/json" },
    responseStatus: 200,
    responseHeaders: { "content-type": "text/plain" },
    responseBody: "ok",
    error: null,
    errorType: null,
    next: { status: "success" },
    chargedTo: "receiver",
  }));
  await recordAttempts(sql, records);
}

/** A version 7 id of now. */
function newId(): string {
  return `${smallestIdAt(new Date()).slice(0, 13)}-7${randomUUID().slice(15)}`;
}

const PHASE_MS = 20_000;
const INSERTS_PER_SECOND = 150;

/** Ten days of the month are removed, as fast as the worker's loop does it, while deliveries come in. */
export async function measureRetention(sql: Sql): Promise<void> {
  const alone = await insertFor(sql, PHASE_MS);
  let isOver = false;
  let removed = 0;
  const removing = (async () => {
    const counting = {
      info: (line: object) => (removed += (line as { deliveries: number }).deliveries),
    };
    while (!isOver) {
      await retentionOnce({ sql, config: { RETENTION_DAYS: 20 }, log: counting as never });
    }
  })();
  const startedAt = performance.now();
  const together = await insertFor(sql, PHASE_MS);
  isOver = true;
  await removing;
  const seconds = (performance.now() - startedAt) / 1000;
  console.table({ "inserts alone, ms": alone, "inserts beside retention, ms": together });
  const perSecond = Math.round(removed / seconds);
  console.log(
    `removed ${perSecond} deliveries a second: ${Math.round((perSecond * 86_400) / 1e6)} million a day`,
  );
  const stepMs: number[] = [];
  const steps = removeDeliveries(sql, { olderThanMs: 20 * 86_400_000 });
  for (let n = 0; n < 20; n++) stepMs.push(await elapsed(() => steps.next()));
  console.log(`steps took ${stepMs.map(Math.round).join(", ")} ms`);
}

async function insertFor(sql: Sql, phaseMs: number) {
  const times: number[] = [];
  const endAt = performance.now() + phaseMs;
  const pending: Promise<unknown>[] = [];
  while (performance.now() < endAt) {
    const id = newId();
    pending.push(elapsed(() => insertOne(sql, id)).then((ms) => times.push(ms)));
    await sleep(1000 / INSERTS_PER_SECOND);
  }
  await Promise.all(pending);
  times.sort((a, b) => a - b);
  const at = (fraction: number) =>
    Math.round((times[Math.floor(times.length * fraction)] ?? NaN) * 10) / 10;
  return { inserts: times.length, median: at(0.5), p99: at(0.99), worst: at(0.9999) };
}
