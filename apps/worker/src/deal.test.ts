import { CLOSED } from "@webhook-delivery/shared/core/circuit.ts";
import { describe, expect, it } from "vitest";
import { deal, roomOf, type Allowed } from "./deal.ts";

const ROOM = { main: 10, side: 10, sideForNew: 10, sideForKnown: 10 };

interface Given {
  readonly clientId?: string;
  readonly isNew?: boolean;
  readonly lane?: Allowed["lane"];
  readonly count?: number;
  readonly free?: number;
  readonly outstanding?: number;
  readonly oldestDueMs?: number;
}

function allowed(destination: string, given: Given = {}): Allowed {
  const { clientId = null, isNew = false, lane = "main", count = 100 } = given;
  const { free = count, outstanding = 0, oldestDueMs = 0 } = given;
  const { sinceMs: _, ...circuit } = CLOSED;
  return {
    lane,
    count,
    order: "due",
    circuit: isNew ? undefined : CLOSED,
    walked: {
      ...circuit,
      key: isNew ? null : destination,
      sinceMs: 0,
      isQuick: true,
      destination,
      endpointId: null,
      clientId,
      isEnded: false,
      free,
      waiting: free,
      inFlight: 0,
      outstanding,
      oldestDueMs,
      limitPerSecond: null,
      maxInFlight: null,
      releasedAtMs: null,
    },
  };
}

function dealt(given: readonly Allowed[], room: Partial<typeof ROOM> = {}): Record<string, number> {
  const shares = deal(given, { ...ROOM, ...room });
  return Object.fromEntries(shares.map(({ destination, count }) => [destination, count]));
}

describe("dealing", () => {
  it("gives each lane its own room", () => {
    const given = [allowed("quick"), allowed("slow", { lane: "side" })];
    expect(dealt(given, { main: 3, side: 2, sideForKnown: 2 })).toEqual({ quick: 3, slow: 2 });
    expect(dealt(given, { main: 0 })).toEqual({ slow: 10 });
    expect(dealt(given, { main: -5, side: -5 })).toEqual({});
  });

  it("serves those first who have little under way, then those who have little waiting, then the oldest", () => {
    const given = [
      allowed("busy", { outstanding: 1 }),
      allowed("much"),
      allowed("younger", { count: 1, oldestDueMs: 2 }),
      allowed("older", { count: 1, oldestDueMs: 1 }),
    ];
    expect(dealt(given, { main: 1 })).toEqual({ older: 1 });
    expect(dealt(given, { main: 2 })).toEqual({ older: 1, younger: 1 });
    expect(dealt(given, { main: 3 })).toEqual({ older: 1, younger: 1, much: 1 });
  });

  it("deals by client, then by destination, and takes the operator's for one client's", () => {
    const given = [
      allowed("a1", { clientId: "a" }),
      allowed("a2", { clientId: "a" }),
      allowed("a3", { clientId: "a" }),
      allowed("b1", { clientId: "b" }),
      allowed("host 1"),
      allowed("host 2"),
    ];
    expect(dealt(given, { main: 12 })).toEqual({
      a1: 2,
      a2: 1,
      a3: 1,
      b1: 4,
      "host 1": 2,
      "host 2": 2,
    });
  });

  it("keeps room on the side lane for new destinations, and bounds their number", () => {
    const given = [
      allowed("ill", { lane: "side" }),
      allowed("new", { lane: "side", isNew: true, count: 2 }),
      allowed("newer", { lane: "side", isNew: true, count: 2 }),
    ];
    expect(dealt(given, { side: 4, sideForKnown: 0 })).toEqual({ new: 2, newer: 2 });
    expect(dealt(given, { sideForNew: 1 })).toMatchObject({ new: 1, ill: 9 });
    expect(dealt(given, { sideForNew: 0 })).toEqual({ ill: 10 });
  });
});

it("the room is what the workers have, less what is under way; who is slow takes none of the main lane", () => {
  const outstanding = { workers: 2, nowMs: 0, side: 30, firstLooks: 5 };
  const config = { concurrency: 5, rateLimitPerSecond: 50 };
  expect(roomOf(config, { ...outstanding, mainQueued: 3, mainInFlight: 4 })).toEqual({
    main: 8,
    side: 370,
    sideForNew: 45,
    sideForKnown: 270,
  });
  expect(roomOf(config, { ...outstanding, mainQueued: 0, mainInFlight: 200 }).main).toBe(5);
});
