/** The result of a request that was made is kept until the database is back, and not asked for again. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { isAlive } from "@webhook-delivery/shared/embedded/processes.ts";
import type { TestProcess } from "@webhook-delivery/shared/testing/process.ts";
import {
  holdUntil,
  startReceiver,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS } from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";
import type { TcpProxy } from "../chaos/proxy.ts";
import { receipts, startCrew, type Crew } from "./crew.ts";
import { startDatabaseWay, throughPort } from "./database-way.ts";

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

interface ResultOutage {
  begin(proxy: TcpProxy): Promise<void>;
  /** How long the database stays away; the receiver answers meanwhile. */
  readonly lastsMs: number;
  end(proxy: TcpProxy): Promise<void>;
  /**
   * The worker that made the request goes blind first and is back last: the other one sees its
   * heartbeat stand still before and after, and nothing in between.
   */
  readonly isUneven: boolean;
}

const RESULT_OUTAGES: Record<string, ResultOutage> = {
  "its connections are cut": {
    begin: async (proxy) => proxy.cut(),
    lastsMs: 0,
    end: async () => {},
    isUneven: false,
  },
  "it is frozen for 3 s": {
    begin: async (proxy) => proxy.hold(),
    lastsMs: 3_000,
    end: async (proxy) => proxy.release(),
    isUneven: false,
  },
  "it is away for longer than a worker's heartbeat may stand still": {
    begin: (proxy) => proxy.refuse(),
    lastsMs: 8_000,
    end: (proxy) => proxy.accept(),
    isUneven: true,
  },
};

describe.concurrent.each(BACKENDS)(
  "two workers with the queue in %s lose their database",
  (backend) => {
    test.concurrent("and send nothing twice because of it", async () => {
      await using crew = await startCrew({ backend, workers: 0 });
      const ways = new Map<TestProcess, TcpProxy>();
      await using stack = new AsyncDisposableStack();
      for (const { proxy } of [
        stack.use(await startDatabaseWay()),
        stack.use(await startDatabaseWay()),
      ]) {
        const env = { DATABASE_URL: throughPort(crew.database.url, proxy.port) };
        ways.set(await crew.hire(env), proxy);
      }
      for (const [name, outage] of Object.entries(RESULT_OUTAGES)) {
        const answered = Promise.withResolvers<void>();
        const hook = receiver.hook(holdUntil(answered.promise));
        const id = await crew.accept(hook);
        await hook.waitFor(1);
        const holder = await crew.holderOf(id);
        const itsWay = ways.get(holder) as TcpProxy;
        const [[other, othersWay]] = [...ways].filter(([worker]) => worker !== holder) as [
          [TestProcess, TcpProxy],
        ];
        await outage.begin(itsWay);
        if (outage.isUneven) await untilItLooked(crew, other);
        await outage.begin(othersWay);
        answered.resolve();
        await sleep(outage.lastsMs);
        if (outage.lastsMs > 0) expect((await crew.delivery(id))?.status, name).toBe("sent");
        await outage.end(othersWay);
        if (outage.isUneven) await untilItLooked(crew, other);
        await outage.end(itsWay);

        await crew.finished(id);
        expect(receipts(hook), name).toEqual([{ id, attempt: "1" }]);
        expect(await crew.delivery(id), name).toMatchObject({ status: "success", attempt: 1 });
        expect(await crew.attempts(id), name).toMatchObject([
          { attemptNumber: 1, responseStatus: 200, errorType: null, willRetry: false },
        ]);
      }
      // Without a restart: both are still the processes that were hired.
      for (const { pid } of crew.workers) expect(isAlive(pid)).toBe(true);
    });
  },
);

/** Every look at the others comes after a heartbeat of one's own: after two new ones there was one. */
async function untilItLooked({ database }: Crew, worker: TestProcess): Promise<void> {
  const { workerId } = await worker.waitForEvent("worker.started");
  const heartbeat = async (): Promise<string> => {
    const [row] = await database.sql<{ at: string }[]>`
      select heartbeat_at::text as at from worker_processes where id = ${String(workerId)}`;
    return row?.at ?? "";
  };
  for (const _of of ["first", "second"]) {
    const before = await heartbeat();
    await vi.waitFor(async () => expect(await heartbeat()).not.toBe(before), PATIENCE);
  }
}
