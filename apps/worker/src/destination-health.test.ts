import { CLOSED } from "@webhook-delivery/shared/core/circuit.ts";
import { describeDestinations } from "@webhook-delivery/shared/db/destination-list.ts";
import { saveDestinations } from "@webhook-delivery/shared/db/destinations.ts";
import { insertDeliveries } from "@webhook-delivery/shared/db/deliveries.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import { createWorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { newDelivery } from "@webhook-delivery/shared/testing/factories.ts";
import { grantLeases } from "@webhook-delivery/shared/testing/leases.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDestinationHealthRecorder, type HealthObservation } from "./destination-health.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

function start() {
  const { sql } = database;
  let nowMs = 0;
  const metrics = createWorkerMetrics(() => 0);
  const log = createLog("worker", "silent");
  let better = 0;
  const recorder = createDestinationHealthRecorder({
    sql,
    log,
    metrics,
    monotonicNow: () => nowMs,
    onBetter: () => better++,
  });
  return { recorder, metrics, pass: (ms: number) => (nowMs += ms), better: () => better };
}

function seen(destination: string, also: Partial<HealthObservation> = {}): HealthObservation {
  return {
    destination,
    endpointId: null,
    clientId: null,
    durationMs: 10,
    sign: { kind: "well" },
    isProbe: false,
    ...also,
  };
}
const ILL = { kind: "ill", reason: "timeout", isThrottled: false, pauseMs: 0 } as const;

async function read(key: string) {
  const [found] = await describeDestinations(database.sql, [key]);
  return found;
}

async function forget(key: string): Promise<void> {
  await database.sql`delete from destinations where key = ${key}`;
}

describe("observations of destinations", () => {
  it("are written down at once, those that come together in one go", async () => {
    const { recorder } = start();
    const ill = Array.from({ length: 50 }, () => seen("together.example", { sign: ILL }));
    await Promise.all(ill.map((one) => recorder.observe(one)));
    expect(await read("together.example")).toMatchObject({
      isQuick: true,
      circuit: { state: "closed", failuresInARow: 50, reason: "timeout" },
    });
  });

  it("of many workers at once are all counted", async () => {
    const several = [start(), start(), start()];
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        (several[index % 3] ?? start()).recorder.observe(seen("shared.example", { sign: ILL })),
      ),
    );
    expect((await read("shared.example"))?.circuit.failuresInARow).toBe(60);
  });

  it("about one that is well and quick cost nothing for some seconds", async () => {
    const { recorder, pass } = start();
    await recorder.observe(seen("well.example"));
    await forget("well.example");
    pass(4_999);
    await recorder.observe(seen("well.example"));
    expect(await read("well.example")).toBeUndefined();
    pass(1);
    await recorder.observe(seen("well.example"));
    expect(await read("well.example")).toBeDefined();
  });

  it("that say something else are never kept back", async () => {
    const { recorder } = start();
    await recorder.observe(seen("turns.example"));
    await recorder.observe(seen("turns.example", { durationMs: 1_001 }));
    expect(await read("turns.example")).toMatchObject({ isQuick: false });
    await recorder.observe(seen("turns.example", { sign: ILL }));
    expect(await read("turns.example")).toMatchObject({ circuit: { failuresInARow: 1 } });
    await recorder.observe(seen("turns.example"));
    expect(await read("turns.example")).toMatchObject({
      isQuick: true,
      circuit: { failuresInARow: 0 },
    });
  });

  it("of one that is still in flight say that it is slow, and nothing of its health", async () => {
    const { recorder } = start();
    const { sign: _, ...inFlight } = seen("slow.example", { durationMs: 1_001 });
    await recorder.observe(inFlight);
    expect(await read("slow.example")).toMatchObject({
      isQuick: false,
      circuit: { state: "closed", failuresInARow: 0, reason: null },
    });
  });

  it.each<[string, number, Partial<HealthObservation>, boolean]>([
    ["a success", 2, {}, false],
    ["a second failure", 1, { sign: ILL }, false],
    ["a third failure", 2, { sign: ILL }, true],
    ["slowness", 1, { durationMs: 1_001 }, true],
    ["a pause", 0, { sign: { ...ILL, isThrottled: true, pauseMs: 60_000 } }, true],
  ])(
    "revoke the leases that a better destination got: %s",
    async (what, failures, also, isRevoked) => {
      const { sql } = database;
      const { recorder } = start();
      const path = `revoked.example/${what.replaceAll(" ", "-")}`;
      const row = newDelivery({ webhookUrl: `https://${path}` });
      const test = newDelivery({ webhookUrl: `https://${path}`, isTestDelivery: true });
      await insertDeliveries(sql, [row, test]);
      await recorder.observe(seen(path));
      for (let n = 0; n < failures; n++) await recorder.observe(seen(path, { sign: ILL }));
      await grantLeases(sql, [row.id]);
      await grantLeases(sql, [test.id], "trial");
      await sql`update delivery_leases set destination = delivery_id::text where delivery_id = ${test.id}`;
      await recorder.observe(seen(path, also));
      const left = await sql`
      select delivery_id as id from delivery_leases
      where delivery_id = any (${[row.id, test.id]}::uuid[])`;
      const expected = isRevoked ? [test.id] : [row.id, test.id];
      expect(left.map(({ id }) => String(id)).toSorted()).toEqual(expected.toSorted());
    },
  );

  it("say that there may be more for a destination that is new, or better than before", async () => {
    const { recorder, better } = start();
    await recorder.observe(seen("better.example"));
    expect(better()).toBe(1);
    await recorder.observe(seen("better.example", { durationMs: 1_001 }));
    expect(better()).toBe(1);
    await recorder.observe(seen("better.example"));
    expect(better()).toBe(2);
  });

  it("count the changes of a state", async () => {
    const { recorder, metrics } = start();
    const circuit = { ...CLOSED, state: "open", probeAtMs: 1, failuresInARow: 12 } as const;
    const record = { key: "open.example", endpointId: null, clientId: null, isQuick: true };
    await saveDestinations(database.sql, [{ ...record, circuit }]);
    await recorder.observe(seen("open.example", { isProbe: true }));
    expect(await read("open.example")).toMatchObject({ circuit: { state: "half_open" } });
    expect(await metrics.expose()).toContain(
      'webhook_delivery_destination_transitions_total{state="half_open"} 1',
    );
  });
});
