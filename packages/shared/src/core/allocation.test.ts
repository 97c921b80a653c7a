import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocate, interleave, type Demand } from "./allocation.ts";
import type { Capacity } from "./capacity.ts";
import type { PermitKind } from "./permit.ts";

const CAPACITY: Capacity = { normal: 100, low: 100, trial: 100, lowButNoTrial: 100 };

interface Given extends Partial<Demand> {
  readonly kind?: PermitKind;
  readonly count?: number;
}

function demand(destination: string, also: Given = {}): Demand {
  const { kind = "normal", count = 10, ...rest } = also;
  return {
    destination,
    clientId: null,
    quota: { kind, count, order: "due", circuit: undefined },
    outstanding: 0,
    due: count,
    oldestDueMs: 0,
    ...rest,
  };
}

function allocated(given: readonly Demand[], capacity: Partial<Capacity> = {}) {
  const allocations = allocate(given, { ...CAPACITY, ...capacity });
  return Object.fromEntries(allocations.map(({ demand: of, count }) => [of.destination, count]));
}

describe("allocating", () => {
  it("gives normal and low ones each what there is for them", () => {
    const given = [demand("quick"), demand("slow", { kind: "low" })];
    expect(allocated(given, { normal: 3, low: 2, lowButNoTrial: 2 })).toEqual({
      quick: 3,
      slow: 2,
    });
    expect(allocated(given, { normal: 0 })).toEqual({ slow: 10 });
    expect(allocated(given, { normal: -5, low: -5 })).toEqual({});
  });

  it("serves those first who have little outstanding, then those who have little due, then the oldest", () => {
    const given = [
      demand("busy", { outstanding: 1 }),
      demand("much", { due: Infinity }),
      demand("more than counted", { due: Infinity, oldestDueMs: 1 }),
      demand("younger", { count: 1, oldestDueMs: 2 }),
      demand("older", { count: 1, oldestDueMs: 1 }),
    ];
    expect(allocated(given, { normal: 1 })).toEqual({ older: 1 });
    expect(allocated(given, { normal: 2 })).toEqual({ older: 1, younger: 1 });
    expect(allocated(given, { normal: 3 })).toEqual({ older: 1, younger: 1, much: 1 });
  });

  it("goes by client, then by destination, and takes the operator's for one client's", () => {
    const given = [
      demand("a1", { clientId: "a" }),
      demand("a2", { clientId: "a" }),
      demand("a3", { clientId: "a" }),
      demand("b1", { clientId: "b" }),
      demand("url 1"),
      demand("url 2"),
    ];
    expect(allocated(given, { normal: 12 })).toEqual({
      a1: 2,
      a2: 1,
      a3: 1,
      b1: 4,
      "url 1": 2,
      "url 2": 2,
    });
  });

  it("keeps low slots for destinations that were never tried, and bounds their number", () => {
    const given = [
      demand("ill", { kind: "low" }),
      demand("new", { kind: "trial", count: 2 }),
      demand("newer", { kind: "trial", count: 2 }),
    ];
    expect(allocated(given, { low: 4, lowButNoTrial: 0 })).toEqual({ new: 2, newer: 2 });
    expect(allocated(given, { trial: 1 })).toMatchObject({ new: 1, ill: 10 });
    expect(allocated(given, { trial: 0 })).toEqual({ ill: 10 });
    expect(allocated([demand("open", { kind: "probe", count: 1 })])).toEqual({ open: 1 });
  });

  it("gives all there is to one that wants any number", () => {
    expect(allocated([demand("flood", { count: Infinity })], { normal: 7 })).toEqual({ flood: 7 });
  });

  it("gives a client with one destination as much as one with a thousand", () => {
    const many = Array.from({ length: 1_000 }, (_, n) => demand(`many ${n}`, { clientId: "many" }));
    expect(
      allocated([...many, demand("single", { clientId: "single" })], { normal: 10 }),
    ).toMatchObject({ single: 5 });
  });

  it("gives all there is, nobody more than wanted, and no client a lead of more than one", () => {
    const demands = fc.uniqueArray(
      fc
        .record({
          key: fc.string(),
          clientId: fc.constantFrom("a", "b", "c"),
          wants: fc.integer({ min: 0, max: 20 }),
        })
        .map(({ key, clientId, wants }) => demand(key, { clientId, count: wants })),
      { selector: ({ destination }) => destination, maxLength: 20 },
    );
    fc.assert(
      fc.property(demands, fc.integer({ min: -5, max: 100 }), (given, normal) => {
        const counts = new Map(
          allocate(given, { ...CAPACITY, normal }).map((one) => [one.demand, one.count]),
        );
        const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
        const wanted = given.reduce((sum, { quota }) => sum + quota.count, 0);
        expect(total).toBe(Math.max(0, Math.min(normal, wanted)));
        const got = new Map<string | null, number>();
        for (const one of given) {
          const count = counts.get(one) ?? 0;
          expect(count).toBeLessThanOrEqual(one.quota.count);
          got.set(one.clientId, (got.get(one.clientId) ?? 0) + count);
        }
        const isHungry = (client: string | null): boolean =>
          given.some((one) => one.clientId === client && (counts.get(one) ?? 0) < one.quota.count);
        for (const [client, count] of got) {
          if (!isHungry(client)) continue;
          for (const other of got.values()) expect(other - count).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("interleaving", () => {
  it("mixes destinations and keeps the order within each", () => {
    const items = ["a1", "a2", "a3", "b1", "c1", "b2"].map((id) => ({
      id,
      destination: id[0] ?? "",
    }));
    expect(interleave(items).map(({ id }) => id)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });
});
