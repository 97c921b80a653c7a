import { CLOSED } from "@webhook-delivery/shared/core/circuit.ts";
import { describeDestinations } from "@webhook-delivery/shared/db/destination-list.ts";
import { saveDestinations } from "@webhook-delivery/shared/db/destinations.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import { createWorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDestinationNotes, type Note } from "./destination-notes.ts";

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
  const notes = createDestinationNotes({ sql, log, metrics, monotonicNow: () => nowMs });
  return { notes, metrics, pass: (ms: number) => (nowMs += ms) };
}

function note(destination: string, also: Partial<Note> = {}): Note {
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

describe("notes about destinations", () => {
  it("are written down at once, those that come together in one go", async () => {
    const { notes } = start();
    const ill = Array.from({ length: 50 }, () => note("together.example", { sign: ILL }));
    await Promise.all(ill.map((one) => notes.add(one)));
    expect(await read("together.example")).toMatchObject({
      isQuick: true,
      circuit: { state: "closed", failuresInARow: 50, reason: "timeout" },
    });
  });

  it("of many workers at once are all counted", async () => {
    const several = [start(), start(), start()];
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        (several[index % 3] ?? start()).notes.add(note("shared.example", { sign: ILL })),
      ),
    );
    expect((await read("shared.example"))?.circuit.failuresInARow).toBe(60);
  });

  it("about one that is well and quick cost nothing for some seconds", async () => {
    const { notes, pass } = start();
    await notes.add(note("well.example"));
    await forget("well.example");
    pass(4_999);
    await notes.add(note("well.example"));
    expect(await read("well.example")).toBeUndefined();
    pass(1);
    await notes.add(note("well.example"));
    expect(await read("well.example")).toBeDefined();
  });

  it("that say something else are never kept back", async () => {
    const { notes } = start();
    await notes.add(note("turns.example"));
    await notes.add(note("turns.example", { durationMs: 1_001 }));
    expect(await read("turns.example")).toMatchObject({ isQuick: false });
    await notes.add(note("turns.example", { sign: ILL }));
    expect(await read("turns.example")).toMatchObject({ circuit: { failuresInARow: 1 } });
    await notes.add(note("turns.example"));
    expect(await read("turns.example")).toMatchObject({
      isQuick: true,
      circuit: { failuresInARow: 0 },
    });
  });

  it("of one that is still in flight say that it is slow, and nothing of its health", async () => {
    const { notes } = start();
    const { sign: _, ...inFlight } = note("slow.example", { durationMs: 1_001 });
    await notes.add(inFlight);
    expect(await read("slow.example")).toMatchObject({
      isQuick: false,
      circuit: { state: "closed", failuresInARow: 0, reason: null },
    });
  });

  it("tell what attempts typically take", async () => {
    const { notes } = start();
    expect(notes.typicalMs("typical.example")).toBeUndefined();
    await notes.add(note("typical.example", { durationMs: 80 }));
    expect(notes.typicalMs("typical.example")).toBe(80);
    await notes.add(note("typical.example", { durationMs: 160 }));
    expect(notes.typicalMs("typical.example")).toBe(90);
  });

  it("count the changes of a state", async () => {
    const { notes, metrics } = start();
    const circuit = { ...CLOSED, state: "open", probeAtMs: 1, failuresInARow: 12 } as const;
    const record = { key: "open.example", endpointId: null, clientId: null, isQuick: true };
    await saveDestinations(database.sql, [{ ...record, circuit }]);
    await notes.add(note("open.example", { isProbe: true }));
    expect(await read("open.example")).toMatchObject({ circuit: { state: "half_open" } });
    expect(await metrics.expose()).toContain(
      'webhook_delivery_destination_transitions_total{state="half_open"} 1',
    );
  });
});
