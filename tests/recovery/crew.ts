/**
 * Workers on a database (and a Redis database) of their own, without an ingest: deliveries are written
 * as rows that no queue has heard of, and a row is all that an accepted delivery is sure to have.
 */
import { findDelivery, insertDeliveries } from "@webhook-delivery/shared/db/deliveries.ts";
import { listAttempts } from "@webhook-delivery/shared/db/delivery-logs.ts";
import { newDelivery } from "@webhook-delivery/shared/testing/factories.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import {
  spawnProgram,
  type Environment,
  type LogLine,
  type TestProcess,
} from "@webhook-delivery/shared/testing/process.ts";
import type { Hook } from "@webhook-delivery/shared/testing/receiver.ts";
import { createTestRedis } from "@webhook-delivery/shared/testing/redis.ts";
import { baseEnvironment, type Backend } from "@webhook-delivery/shared/testing/service.ts";

export interface CrewOptions {
  readonly backend: Backend;
  readonly workers: number;
  readonly env?: Environment;
}

export interface RowOptions {
  readonly maxAttempts?: number;
  readonly createdAt?: Date;
}

export interface Crew extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly env: Environment;
  /** Everyone who was ever hired. */
  readonly workers: readonly TestProcess[];
  hire(env?: Environment): Promise<TestProcess>;
  /** Writes a row that is due now and was never queued; its id. */
  accept(hook: Pick<Hook, "url">, options?: RowOptions): Promise<string>;
  /** The worker that has it in flight. */
  holderOf(id: string): Promise<TestProcess>;
  /** A worker's line about its last attempt: it ended as the row now says. */
  finished(id: string): Promise<LogLine>;
  delivery(id: string): ReturnType<typeof findDelivery>;
  attempts(id: string): ReturnType<typeof listAttempts>;
  /** Every job, or without Redis every lease, is gone, as after a crash. */
  loseQueue(): Promise<void>;
}

export async function startCrew(options: CrewOptions): Promise<Crew> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase());
  const redis = options.backend === "redis" ? stack.use(await createTestRedis()) : undefined;
  const env: Environment = {
    ...baseEnvironment(database, redis),
    ...options.env,
  };
  const { sql } = database;
  const workers: TestProcess[] = [];
  // What is hired later is released before the database.
  const staff = stack.use(new AsyncDisposableStack());
  const hire: Crew["hire"] = async (also = {}) => {
    const worker = staff.use(await spawnProgram("worker", { ...env, ...also }));
    workers.push(worker);
    await worker.waitForEvent("worker.started");
    return worker;
  };
  await Promise.all(Array.from({ length: options.workers }, () => hire()));
  const everything = stack.move();
  return {
    database,
    env,
    workers,
    hire,
    accept: (hook, row) => insertRow(database, hook.url, row),
    async holderOf(id) {
      const [row] = await sql<{ workerId: string | null }[]>`
        select worker_id as "workerId" from webhook_deliveries where id = ${id}`;
      const isHolder = (line: LogLine): boolean =>
        line.event === "worker.started" && line["workerId"] === row?.workerId;
      const holder = workers.find(({ lines }) => lines.some(isHolder));
      if (holder === undefined) throw new Error(`no worker has ${id} in flight`);
      return holder;
    },
    finished: (id) =>
      Promise.any(workers.map((worker) => worker.waitForLine((line) => isEndOf(line, id)))),
    delivery: (id) => findDelivery(sql, { id }),
    attempts: (id) => listAttempts(sql, id),
    async loseQueue() {
      if (redis) await redis.loseEverything();
      else await sql`truncate delivery_leases`;
    },
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

export async function insertRow(
  { sql }: Pick<TestDatabase, "sql">,
  webhookUrl: string,
  { maxAttempts = 4, createdAt = new Date() }: RowOptions = {},
): Promise<string> {
  const row = newDelivery({ webhookUrl, maxAttempts, createdAt });
  await insertDeliveries(sql, [row]);
  return row.id;
}

/** What the receiver was told of each request: which delivery, which attempt. */
export function receipts(hook: Pick<Hook, "arrivals">): { id: string; attempt: string }[] {
  return hook.arrivals.map(({ headers }) => ({
    id: String(headers["webhook-id"]),
    attempt: String(headers["x-webhook-attempt"]),
  }));
}

const FINAL = new Set<unknown>(["success", "failed"]);

function isEndOf(line: LogLine, id: string): boolean {
  return (
    line.event === "delivery.attempted" && line["deliveryId"] === id && FINAL.has(line["status"])
  );
}
