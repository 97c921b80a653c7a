/** What cannot be written is refused with 503, and ingest comes back as its database does. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { isAlive } from "@webhook-delivery/shared/embedded/processes.ts";
import { createApi } from "@webhook-delivery/shared/testing/api.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { createTestRedis } from "@webhook-delivery/shared/testing/redis.ts";
import { API_KEY, BACKENDS, baseEnvironment } from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";
import type { TcpProxy } from "../chaos/proxy.ts";
import { startBreakingWay } from "./breaking-way.ts";
import { databasePort, startDatabaseWay, throughPort } from "./database-way.ts";

/** How often a young connection breaks at each of its stages. */
const BREAKS = 2;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

async function countRows({ sql }: TestDatabase): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from webhook_deliveries`;
  return row?.count ?? NaN;
}

interface Outage {
  begin(proxy: TcpProxy): Promise<void>;
  end(proxy: TcpProxy): Promise<void>;
  /** A write that reached the server's doorstep may still be made when it wakes up. */
  readonly mayWriteLater: boolean;
}

const OUTAGES: Record<string, Outage> = {
  "refuses connections": {
    begin: (proxy) => proxy.refuse(),
    end: (proxy) => proxy.accept(),
    mayWriteLater: false,
  },
  "is frozen and then dead": {
    begin: async (proxy) => proxy.hold(),
    async end(proxy) {
      proxy.cut();
      proxy.release();
    },
    mayWriteLater: false,
  },
  "is frozen and then back": {
    begin: async (proxy) => proxy.hold(),
    end: async (proxy) => proxy.release(),
    mayWriteLater: true,
  },
};

describe.concurrent.each(BACKENDS)("ingest with the queue in %s, when PostgreSQL", (backend) => {
  test.concurrent.each(Object.entries(OUTAGES))(
    "%s, answers 503, writes nothing and comes back without a restart",
    async (_name, outage) => {
      await using database = await createTestDatabase();
      await using redis = await createTestRedis();
      await using way = await startDatabaseWay();
      const env = baseEnvironment(database, backend === "redis" ? redis : undefined);
      await using ingest = await spawnProgram("ingest", {
        ...env,
        DATABASE_URL: throughPort(database.url, way.proxy.port),
        PORT: "0",
      });
      const { address } = await ingest.waitForEvent("ingest.started");
      const api = createApi(String(address), API_KEY, () => undefined);
      const hook = receiver.hook();
      await api.deliver(deliveryTo(hook));

      await outage.begin(way.proxy);
      const body = deliveryTo(hook);
      const headers = { "idempotency-key": randomUUID() };
      const refused = await api.post("/webhook-delivery", body, { headers });
      expect([refused.status, refused.body.error.code]).toEqual([503, "unavailable"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await countRows(database)).toBe(1);

      await outage.end(way.proxy);
      const isBack = async () => expect((await api.get("/webhook-delivery")).status).toBe(200);
      await vi.waitFor(isBack, PATIENCE);
      if (!outage.mayWriteLater) expect(await countRows(database)).toBe(1);
      // The caller does as it was told. Whatever became of the first time, it is one delivery.
      const again = await api.post("/webhook-delivery", body, { headers });
      expect(again.status).toBeLessThan(300);
      expect(await countRows(database)).toBe(2);
    },
  );
});

describe.concurrent.each(BACKENDS)("with the queue in %s", (backend) => {
  // postgres.js asks for the array types on every new connection, and nobody awaited that question:
  // a connection lost at that moment ended the whole process.
  // Sixteen breaks on each way and the waits between them: 20 s alone, 50 beside the other tests.
  test.concurrent("connections that break while they are young end no process", async () => {
    await using database = await createTestDatabase();
    await using redis = await createTestRedis();
    await using ingestWay = await startBreakingWay(databasePort(), BREAKS);
    await using workerWay = await startBreakingWay(databasePort(), BREAKS);
    const env = baseEnvironment(database, backend === "redis" ? redis : undefined);
    await using ingest = await spawnProgram("ingest", {
      ...env,
      DATABASE_URL: throughPort(database.url, ingestWay.port),
      PORT: "0",
    });
    await using worker = await spawnProgram("worker", {
      ...env,
      DATABASE_URL: throughPort(database.url, workerWay.port),
    });
    const { address } = await ingest.waitForEvent("ingest.started");
    const api = createApi(String(address), API_KEY, () => undefined);
    const hook = receiver.hook();
    const isThrough = async () => {
      // Several at once: each needs a connection.
      const posts = Array.from({ length: 5 }, () =>
        api.post("/webhook-delivery", deliveryTo(hook)),
      );
      const statuses = (await Promise.all(posts)).map(({ status }) => status);
      expect(statuses).toEqual([202, 202, 202, 202, 202]);
    };
    const isDead = ingest.exited.then(() => {
      throw new Error(`ingest ended:\n${ingest.output}`);
    });
    await Promise.race([vi.waitFor(isThrough, PATIENCE), isDead]);
    isDead.catch(() => undefined);
    await worker.waitForEvent("worker.started");
    await hook.waitFor(5);
    expect(ingestWay.broken).toBeGreaterThan(8);
    expect(workerWay.broken).toBeGreaterThan(8);
    expect([isAlive(ingest.pid), isAlive(worker.pid)]).toEqual([true, true]);
  });
});
