/**
 * `/readyz` of both processes on servers that answer and do not let them work, with the PostgreSQL role and
 * the Redis user that docs/operations.md describes, which may do no more than that.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inTransaction } from "@webhook-delivery/shared/db/client.ts";
import { readQueuePrefix } from "@webhook-delivery/shared/db/installation.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import { findFreePort } from "@webhook-delivery/shared/embedded/processes.ts";
import { startRedis } from "@webhook-delivery/shared/embedded/redis.ts";
import { openRedis } from "@webhook-delivery/shared/queue/redis.ts";
import { createApi, type Api, type ErrorJson } from "@webhook-delivery/shared/testing/api.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { insertMessage, untilMessage } from "@webhook-delivery/shared/testing/outbox.ts";
import { spawnProgram, type TestProcess } from "@webhook-delivery/shared/testing/process.ts";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { register } from "@webhook-delivery/shared/testing/registry.ts";
import { API_KEY, baseEnvironment } from "@webhook-delivery/shared/testing/service.ts";
import { codeBlocks } from "../docs/code-blocks.ts";

const PASSWORD = randomBytes(8).toString("hex");
const role = `webhooks_${randomBytes(6).toString("hex")}`;

const stack = new AsyncDisposableStack();
let database: TestDatabase;
let databaseName: string;
let redisUrl: string;
let admin: ReturnType<typeof openRedis>;
let ingest: TestProcess;
let worker: TestProcess;
let api: Api;
let workerAddress: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "readiness-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [server, port] = await Promise.all([
    startRedis({ folder }),
    findFreePort(),
    createLimitedRole(),
  ]);
  stack.defer(() => server.stop());
  admin = openRedis(server.url, {});
  stack.defer(() => admin.disconnect());
  await createLimitedUser();
  redisUrl = withUser(server.url, "webhooks");

  const env = {
    ...baseEnvironment({ url: withUser(database.url, role) }, { url: redisUrl }),
    RETRY_SCHEDULE_SECONDS: "0.2",
    METRICS_PORT: String(port),
  };
  ingest = stack.use(await spawnProgram("ingest", { ...env, PORT: "0" }));
  worker = stack.use(await spawnProgram("worker", env));
  const [started] = await Promise.all([
    ingest.waitForEvent("ingest.started"),
    worker.waitForEvent("worker.started"),
  ]);
  api = createApi(String(started["address"]), API_KEY, () => undefined);
  workerAddress = `http://127.0.0.1:${port}`;
});
afterAll(() => stack.disposeAsync());

async function createLimitedRole(): Promise<void> {
  database = await createTestDatabase();
  const { sql } = database;
  const [row] = await sql<{ name: string }[]>`select current_database() as name`;
  databaseName = String(row?.name);
  const [grants] = await codeBlocks("docs/operations.md", "sql");
  await sql.unsafe(`create role ${role} login password '${PASSWORD}'`);
  await sql.unsafe("revoke execute on all functions in schema public from public");
  await sql.unsafe(String(grants).replaceAll("to webhooks;", `to ${role};`));
  stack.defer(async () => {
    await endSessions();
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await database[Symbol.asyncDispose]();
  });
}

async function createLimitedUser(): Promise<void> {
  const [line = ""] = await codeBlocks("docs/operations.md", "acl");
  const [, name = "", ...rules] = line.trim().replace("PASSWORD", PASSWORD).split(" ");
  await admin.call("ACL", "SETUSER", name, ...rules);
}

function withUser(url: string, user: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = PASSWORD;
  return changed.href;
}

/** What a setting of the role or the database says is heard by new sessions only. */
async function endSessions(): Promise<void> {
  await database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
}

interface ReadinessJson {
  readonly status: "success" | "error";
  readonly error?: ErrorJson;
  readonly checks: Readonly<Record<string, string>>;
}

async function readyOf(address: string): Promise<readonly [status: number, body: ReadinessJson]> {
  const answer = await fetch(`${address}/readyz`);
  return [answer.status, (await answer.json()) as ReadinessJson];
}

async function untilReady(): Promise<void> {
  for (const address of [api.url, workerAddress]) {
    await expect
      .poll(async () => readyOf(address), { timeout: 20_000 })
      .toEqual([200, { status: "success", checks: { database: "ok", queue: "ok" } }]);
  }
}

/** Both processes say so. */
async function untilTold(check: "database" | "queue", sentence: RegExp): Promise<void> {
  for (const address of [api.url, workerAddress]) {
    await expect
      .poll(async () => readyOf(address), { timeout: 20_000 })
      .toMatchObject([
        503,
        {
          status: "error",
          error: {
            code: "not_ready",
            message: expect.stringMatching(sentence),
            details: expect.arrayContaining([
              { field: check, message: expect.stringMatching(sentence) },
            ]),
          },
          checks: { [check]: "unavailable" },
        },
      ]);
    expect(JSON.stringify(await readyOf(address))).not.toMatch(new RegExp(`${PASSWORD}|127\\.0`));
  }
}

test("the documented role and user are enough, for retries and the outbox too", async () => {
  await untilReady();
  await using receiver = await startReceiver();
  const hook = receiver.hook(500, 200);
  const { id } = await api.deliver(deliveryTo(hook));
  await hook.waitFor(2);
  await expect.poll(async () => (await api.read(id)).status).toBe("success");
  const other = receiver.hook(200);
  await register(api, { url: other.url, eventTypes: ["few.rights"], ordered: true });
  const message = await insertMessage(database.sql, { event_type: "few.rights" });
  await untilMessage(database.sql, message, { status: "sent" });
  expect((await api.get("/webhook-delivery/stats")).status).toBe(200);
  expect(await admin.call("ACL", "LOG")).toEqual([]);
  const troubles = [ingest, worker].flatMap(({ lines }) =>
    lines.filter(({ level }) => typeof level === "number" && level >= 40),
  );
  expect(troubles).toEqual([]);
});

// Incident: /readyz said 200 while every POST failed or the worker took nothing.
test.each([
  ["replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"], /is a replica.*primary/],
  [
    "replica that takes writes",
    ["CONFIG", "SET", "replica-read-only", "no"],
    ["CONFIG", "SET", "replica-read-only", "yes"],
    /is a replica.*primary/,
  ],
  [
    "Redis that is out of memory",
    ["CONFIG", "SET", "maxmemory", "100kb"],
    ["CONFIG", "SET", "maxmemory", "0"],
    /out of memory.*maxmemory/,
  ],
  [
    "user without a command of BullMQ",
    ["ACL", "SETUSER", "webhooks", "-zadd", "-evalsha"],
    ["ACL", "SETUSER", "webhooks", "+zadd", "+evalsha"],
    /lacks rights.*ACL SETUSER NAME \+zadd \+evalsha/,
  ],
  [
    "user without transactions",
    ["ACL", "SETUSER", "webhooks", "-multi"],
    ["ACL", "SETUSER", "webhooks", "+multi"],
    /lacks rights.*\+multi/,
  ],
  [
    "user without the channel",
    ["ACL", "SETUSER", "webhooks", "resetchannels"],
    ["ACL", "SETUSER", "webhooks", "&webhook-delivery-*"],
    /lacks rights.*ACL SETUSER NAME &webhook-delivery-\w+:\*\)/,
  ],
  [
    "user without the keys",
    ["ACL", "SETUSER", "webhooks", "resetkeys"],
    ["ACL", "SETUSER", "webhooks", "~webhook-delivery-*"],
    /lacks rights.*ACL SETUSER NAME ~webhook-delivery-\w+:\*\)/,
  ],
  [
    "user who is switched off",
    ["ACL", "SETUSER", "webhooks", "off"],
    ["ACL", "SETUSER", "webhooks", "on"],
    /refuses the user or the password/,
  ],
] as const)(
  "a %s is told by both, and its mend is seen",
  async (what, breaking, mend, sentence) => {
    const call = ([name, ...args]: readonly string[]) => admin.call(String(name), ...args);
    if (what === "replica that takes writes") await call(["REPLICAOF", "127.0.0.1", "1"]);
    await call(breaking);
    if (what.endsWith("switched off")) await call(["CLIENT", "KILL", "USER", "webhooks"]);
    await untilTold("queue", sentence);
    await call(mend);
    await call(["REPLICAOF", "NO", "ONE"]);
    await untilReady();
  },
);

test("a worker says in its log that it may not listen, once", async () => {
  await admin.call("ACL", "SETUSER", "webhooks", "-subscribe");
  const isTold = ({ event, msg }: { event?: string; msg?: unknown }) =>
    event === "readiness.lost" && String(msg).includes("+subscribe");
  await worker.waitForLine(isTold);
  await admin.call("ACL", "SETUSER", "webhooks", "+subscribe");
  await untilReady();
  expect(worker.lines.filter(isTold)).toHaveLength(1);
});

test("a Redis that evicts is warned of, once, and is ready", async () => {
  await admin.config("SET", "maxmemory-policy", "allkeys-lru");
  await untilReady();
  for (const one of [ingest, worker]) {
    const { msg } = await one.waitForEvent("queue.evicts");
    expect(msg).toMatch(/maxmemory-policy is allkeys-lru, set it to noeviction/);
    await untilReady();
    expect(one.lines.filter(({ event }) => event === "queue.evicts")).toHaveLength(1);
  }
  await admin.config("SET", "maxmemory-policy", "noeviction");
});

test.each([
  ["no password", (url: string) => url.replace(/\/\/.*@/, "//"), /wants a password|lacks|refuses/],
  ["a wrong password", (url: string) => url.replace(PASSWORD, "wrong"), /refuses the user or the/],
  ["a database that is not there", (url: string) => `${url}/99`, /no database of the number/],
  ["a port where nothing is", (url: string) => url.replace(/:\d+$/, ":1"), /not reachable \(ECONN/],
])("%s in REDIS_URL is said in words", async (_, change, sentence) => {
  await admin.call("ACL", "SETUSER", "default", "resetpass", ">another");
  const { sql } = database;
  const location = {
    kind: "redis",
    url: change(redisUrl.replace(/\/$/, "")),
    prefix: () => readQueuePrefix(sql),
  } as const;
  const producer = createProducer({ location, sql, onError: () => undefined });
  await expect.poll(() => producer.check()).toMatch(sentence);
  await producer.close();
  await admin.call("ACL", "SETUSER", "default", "nopass");
});

test.each([
  [
    "a role that only reads",
    () => `alter role ${role} set default_transaction_read_only = on`,
    () => `alter role ${role} reset default_transaction_read_only`,
    /only reads.*alter role webhooks_\w+ reset default_transaction_read_only/,
  ],
  [
    "a database that only reads",
    () => `alter database ${databaseName} set default_transaction_read_only = on`,
    () => `alter database ${databaseName} reset default_transaction_read_only`,
    /only reads.*alter database test_\w+ reset default_transaction_read_only/,
  ],
  [
    "a role without one right",
    () => `revoke insert on webhook_deliveries from ${role}`,
    () => `grant insert on webhook_deliveries to ${role}`,
    /lacks rights: grant insert on webhook_deliveries to webhooks_\w+\./,
  ],
  [
    "a role without any right",
    () => `revoke all on all tables in schema public from ${role}`,
    () => `grant select, insert, update, delete on all tables in schema public to ${role}`,
    /lacks rights: grant select, insert, update, delete on all tables in schema public to/,
  ],
  [
    "a role that may not enter the schema",
    () => `revoke usage on schema public from ${role}, public`,
    () => `grant usage on schema public to ${role}, public`,
    /lacks rights: grant usage on schema public to/,
  ],
  [
    "a role without a function",
    () => `revoke execute on function latency_bucket from ${role}`,
    () => `grant execute on function latency_bucket to ${role}`,
    /lacks rights: grant execute on function latency_bucket\(integer\) to/,
  ],
  [
    "a role from whom row level security hides the rows",
    () => "alter table leads enable row level security",
    () => "alter table leads disable row level security",
    /Row level security hides the rows of leads from/,
  ],
])("%s is told by both, and its mend is seen", async (_, breaking, mend, sentence) => {
  await database.sql.unsafe(breaking());
  await endSessions();
  await untilTold("database", sentence);
  // The sessions of the tests may only read by now, too.
  await inTransaction(database.sql, async (tx) => {
    await tx`set transaction read write`;
    await tx.unsafe(mend());
  });
  await endSessions();
  await untilReady();
});

test("a worker that starts on a role without rights waits, and says why", async () => {
  const port = await findFreePort();
  await database.sql.unsafe(`revoke delete on delivery_leases from ${role}`);
  await using late = await spawnProgram("worker", {
    ...baseEnvironment({ url: withUser(database.url, role) }, { url: redisUrl }),
    METRICS_PORT: String(port),
  });
  const { msg } = await late.waitForEvent("database.waiting");
  expect(msg).toMatch(/grant delete on delivery_leases/);
  expect(await readyOf(`http://127.0.0.1:${port}`)).toMatchObject([
    503,
    { checks: { database: "unavailable", process: "starting" } },
  ]);
  await database.sql.unsafe(`grant delete on delivery_leases to ${role}`);
  await late.waitForEvent("worker.started");
});

test("after all of that the two still deliver", async () => {
  await untilReady();
  await using receiver = await startReceiver();
  const hook = receiver.hook(500, 200);
  await api.deliver(deliveryTo(hook));
  await hook.waitFor(2);
});

test("every line that was printed is one of the log", () => {
  for (const { output } of [ingest, worker]) {
    const lines = output.split("\n").filter((line) => line !== "");
    expect(lines.filter((line) => !line.startsWith("{"))).toEqual([]);
    expect(output).not.toContain(PASSWORD);
  }
});
