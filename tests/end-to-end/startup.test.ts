/** What the processes make of a configuration, and of servers that are not there yet. */
import { describe, expect, test } from "vitest";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { createApi } from "@webhook-delivery/shared/testing/api.ts";
import { createTestDatabase } from "@webhook-delivery/shared/testing/database.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { createForwarder } from "@webhook-delivery/shared/testing/forwarder.ts";
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { createTestRedis } from "@webhook-delivery/shared/testing/redis.ts";
import { API_KEY, BACKENDS, baseEnvironment } from "@webhook-delivery/shared/testing/service.ts";

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  test.concurrent("a database that is not there at the start is said so and waited for", async () => {
    await using receiver = await startReceiver();
    await using database = await createTestDatabase();
    await using redis = await createTestRedis();
    await using forwarder = await createForwarder(database.url);
    const env = {
      ...baseEnvironment(database, backend === "redis" ? redis : undefined),
      DATABASE_URL: forwarder.url,
    };
    await using ingest = await spawnProgram("ingest", { ...env, PORT: "0" });
    await using worker = await spawnProgram("worker", env);
    const { address } = await ingest.waitForEvent("ingest.started");
    const api = createApi(String(address), API_KEY, () => undefined);
    for (const one of [ingest, worker]) {
      const { msg } = await one.waitForEvent("database.waiting");
      expect(msg).toMatch(/PostgreSQL is not reachable/);
    }
    const hook = receiver.hook();
    const answer = await api.post("/webhook-delivery", deliveryTo(hook));
    expect([answer.status, answer.body.error.code]).toEqual([503, "unavailable"]);
    expect((await api.get("/readyz")).status).toBe(503);
    expect((await api.get("/healthz")).status).toBe(200);

    await forwarder.open();
    await worker.waitForEvent("worker.started");
    await api.deliver(deliveryTo(hook));
    await hook.waitFor(1);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  });

  test.concurrent("a database without its tables is said so and waited for", async () => {
    await using database = await createTestDatabase({ isEmpty: true });
    await using redis = await createTestRedis();
    const env = baseEnvironment(database, backend === "redis" ? redis : undefined);
    await using worker = await spawnProgram("worker", env);
    const { msg } = await worker.waitForEvent("database.waiting");
    expect(msg).toMatch(/pnpm migrate/);
    await migrate(database.sql, MIGRATIONS_FOLDER);
    await worker.waitForEvent("worker.started");
  });

  test.concurrent("a worker that still waits for its database stops when it is told to", async () => {
    await using database = await createTestDatabase();
    await using forwarder = await createForwarder(database.url);
    const env = { ...baseEnvironment(database, undefined), DATABASE_URL: forwarder.url };
    await using worker = await spawnProgram("worker", env);
    await worker.waitForEvent("database.waiting");
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  });
});

test("a delivery is accepted at once without Redis and made when it is there", async () => {
  await using receiver = await startReceiver();
  await using database = await createTestDatabase();
  await using redis = await createTestRedis();
  await using forwarder = await createForwarder(redis.url);
  const env = { ...baseEnvironment(database, redis), REDIS_URL: forwarder.url };
  await using ingest = await spawnProgram("ingest", { ...env, PORT: "0" });
  await using worker = await spawnProgram("worker", env);
  const { address } = await ingest.waitForEvent("ingest.started");
  await worker.waitForEvent("queue.unavailable");
  const api = createApi(String(address), API_KEY, () => undefined);
  const hook = receiver.hook();
  const tookMs: number[] = [];
  for (let n = 0; n < 3; n++) {
    const askedAt = performance.now();
    await api.deliver(deliveryTo(hook));
    tookMs.push(performance.now() - askedAt);
  }
  // Who waits for the queue waits every time; a busy machine is late now and then.
  expect(Math.min(...tookMs)).toBeLessThan(1_000);
  expect(hook.arrivals).toEqual([]);

  await forwarder.open();
  await hook.waitFor(3);
  await forwarder.close();
  await api.deliver(deliveryTo(hook));
  await forwarder.open();
  await hook.waitFor(4);
  expect(new Set(hook.arrivedIds()).size).toBe(4);
});

test.concurrent.each(["ingest", "worker"] as const)(
  "%s refuses a database that is not in UTF8, plainly",
  async (program) => {
    await using database = await createTestDatabase({ encoding: "SQL_ASCII" });
    const env = { ...baseEnvironment(database, undefined), REDIS_URL: "redis://127.0.0.1:1" };
    await using one = await spawnProgram(program, { ...env, PORT: "0" });
    expect(await one.exited).toEqual({ code: 1, signal: null });
    expect(one.output).toContain("is encoded in SQL_ASCII, and the service needs UTF8");
    expect(one.output).not.toMatch(/^\s+at /m);
  },
);

describe("the configuration", () => {
  test.concurrent.each([
    ["ingest", ["DATABASE_URL", "API_KEYS", "ENCRYPTION_KEY"]],
    ["worker", ["DATABASE_URL", "ENCRYPTION_KEY"]],
  ] as const)(
    "%s names everything that is missing at once and exits with 1",
    async (program, names) => {
      // An empty variable counts as unset.
      await using one = await spawnProgram(program, { NODE_ENV: "production", DATABASE_URL: "" });
      expect(await one.exited).toEqual({ code: 1, signal: null });
      for (const name of names) expect(one.output).toContain(`${name} is missing`);
      expect(one.output).not.toMatch(/^\s+at /m);
    },
  );

  test.concurrent("every malformed variable is named at once, without its value", async () => {
    const malformed = {
      DATABASE_URL: "mysql://user:a-password@localhost/x",
      REDIS_URL: "http://a-password@localhost",
      PORT: "a-port",
      ENCRYPTION_KEY: "a-short-key",
      WORKER_CONCURRENCY: "0",
      RATE_LIMIT_PER_SECOND: "-1",
      RETRY_SCHEDULE_SECONDS: "5,soon",
      DELIVERY_TIMEOUT_MS: "1.5",
      RESPONSE_BODY_LIMIT: "all",
      MAX_PAYLOAD_BYTES: "1 MB",
      ALLOWED_PRIVATE_CIDRS: "10.0.0.0/33",
      REQUIRE_HTTPS: "maybe",
      SHUTDOWN_TIMEOUT_MS: "never",
      LOG_LEVEL: "loud",
    };
    await using ingest = await spawnProgram("ingest", {
      NODE_ENV: "production",
      API_KEYS: "k",
      ...malformed,
    });
    expect(await ingest.exited).toEqual({ code: 1, signal: null });
    for (const name of Object.keys(malformed)) expect(ingest.output).toContain(`${name} must`);
    expect(ingest.output).not.toContain("a-password");
    expect(ingest.output).not.toContain("a-short-key");
  });
});
