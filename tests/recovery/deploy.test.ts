/**
 * A deploy under load, once per backend: a migration that adds a column, then every ingest and every
 * worker stopped with SIGTERM and replaced in turn. The tests then look at what was left behind.
 */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { findFreePort } from "@webhook-delivery/shared/embedded/processes.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import {
  spawnProgram,
  type Exit,
  type TestProcess,
} from "@webhook-delivery/shared/testing/process.ts";
import {
  startReceiver,
  type Answer,
  type Hook,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS, type Backend } from "@webhook-delivery/shared/testing/service.ts";
import { startCallers, type Callers } from "./callers.ts";
import { receipts, startCrew, type Crew } from "./crew.ts";

/** Long enough that several are in flight at any moment, and so at every SIGTERM. */
const ANSWER_AFTER_MS = 150;
const REQUESTS_BETWEEN_STEPS = 20;
/** Eight processes start one after the other, beside everything else that runs. */
const DEPLOY_TIMEOUT_MS = 150_000;
const NEW_MIGRATION = "9999_of_the_next_release.sql";

const answerSlowly: Answer = (response) => {
  void sleep(ANSWER_AFTER_MS).then(() => response.writeHead(200).end());
};

async function migrateToNextRelease(sql: Sql): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-migrations-"));
  try {
    await cp(MIGRATIONS_FOLDER, folder, { recursive: true });
    await writeFile(
      join(folder, NEW_MIGRATION),
      "alter table webhook_deliveries add column of_the_next_release text not null default 'x';",
    );
    return await migrate(sql, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Deploy {
  readonly crew: Crew;
  readonly hook: Hook;
  readonly callers: Callers;
  readonly migrated: readonly string[];
  readonly ingestExits: readonly Exit[];
  readonly workerExits: readonly Exit[];
  /** How many of its deliveries a worker had in flight when it was told to stop. */
  readonly inFlightAtStop: readonly number[];
}

async function deploy(stack: AsyncDisposableStack, crew: Crew, hook: Hook): Promise<Deploy> {
  const ports = [await findFreePort(), await findFreePort()] as const;
  const startIngest = async (port: number): Promise<TestProcess> => {
    const ingest = stack.use(await spawnProgram("ingest", { ...crew.env, PORT: String(port) }));
    await ingest.waitForEvent("ingest.started");
    return ingest;
  };
  const ingests = await Promise.all(ports.map(startIngest));
  const callers = startCallers(ports, deliveryTo(hook));
  await callers.waitForMore(REQUESTS_BETWEEN_STEPS);

  const migrated = await migrateToNextRelease(crew.database.sql);
  await callers.waitForMore(REQUESTS_BETWEEN_STEPS);
  const ingestExits: Exit[] = [];
  for (const [n, port] of ports.entries()) {
    const exit = await ingests[n]?.stop();
    if (exit) ingestExits.push(exit);
    await startIngest(port);
    await callers.waitForMore(REQUESTS_BETWEEN_STEPS);
  }
  const workerExits: Exit[] = [];
  const inFlightAtStop: number[] = [];
  for (const worker of crew.workers.slice()) {
    inFlightAtStop.push(await countInFlight(crew, worker));
    workerExits.push(await worker.stop());
    await crew.hire();
    await callers.waitForMore(REQUESTS_BETWEEN_STEPS);
  }
  await callers.stop();
  return { crew, hook, callers, migrated, ingestExits, workerExits, inFlightAtStop };
}

async function countInFlight({ database }: Crew, worker: TestProcess): Promise<number> {
  const { workerId } = await worker.waitForEvent("worker.started");
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from webhook_deliveries where worker_id = ${String(workerId)}`;
  return row?.count ?? 0;
}

const CLEAN: Exit = { code: 0, signal: null };

async function startOldRelease(backend: Backend): Promise<Crew> {
  return startCrew({
    backend,
    workers: 2,
    env: { RATE_LIMIT_PER_SECOND: "0", WORKER_CONCURRENCY: "20" },
  });
}

describe.each(BACKENDS)("a deploy under load with the queue in %s", (backend) => {
  const stack = new AsyncDisposableStack();
  let receiver: Receiver;
  let done: Deploy;
  beforeAll(async () => {
    receiver = stack.use(await startReceiver());
    const crew = stack.use(await startOldRelease(backend));
    done = await deploy(stack, crew, receiver.hook(answerSlowly));
  }, DEPLOY_TIMEOUT_MS);
  afterAll(() => stack.disposeAsync());

  test("fails no request, and every ingest ends with 0", () => {
    expect(done.callers.failures).toEqual([]);
    expect(done.ingestExits).toEqual([CLEAN, CLEAN]);
    expect(done.migrated).toEqual([NEW_MIGRATION]);
  });

  test("interrupts no attempt, and every worker ends with 0 although it had work in flight", async () => {
    expect(done.workerExits).toEqual([CLEAN, CLEAN]);
    expect(Math.max(...done.inFlightAtStop)).toBeGreaterThan(0);
    const [row] = await done.crew.database.sql`
      select count(*)::int as count from webhook_delivery_logs where error_type is not null`;
    expect(row).toEqual({ count: 0 });
  });

  test("delivers everything that was accepted, each once", async () => {
    const { callers, crew, hook } = done;
    await hook.waitFor(callers.accepted.length);
    await Promise.all(callers.accepted.map((id) => crew.finished(id)));
    const arrived = receipts(hook).map(({ id }) => id);
    expect(arrived.toSorted()).toEqual(callers.accepted.toSorted());
    const [row] = await crew.database.sql`
      select count(*) filter (where status = 'success')::int as successes, count(*)::int as rows,
        (select count(*)::int from webhook_delivery_logs) as attempts
      from webhook_deliveries`;
    const all = callers.accepted.length;
    expect(row).toEqual({ successes: all, rows: all, attempts: all });
  });
});
