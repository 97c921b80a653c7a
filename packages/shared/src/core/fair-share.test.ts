import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareOut, takeTurns, type Claimant } from "./fair-share.ts";

const claimant = (key: string, wants: number, group = ""): Claimant => ({ key, group, wants });

describe("shareOut", () => {
  it("gives one each in turn, and what one leaves to the others", () => {
    const shares = shareOut([claimant("much", 100), claimant("one", 1), claimant("two", 2)], 10);
    expect(Object.fromEntries(shares)).toEqual({ much: 7, one: 1, two: 2 });
  });

  it("serves those first who come first when there is not enough for all", () => {
    const shares = shareOut([claimant("a", 5), claimant("b", 5), claimant("c", 5)], 2);
    expect(Object.fromEntries(shares)).toEqual({ a: 1, b: 1 });
  });

  it("gives a client with one destination as much as one with a thousand", () => {
    const many = Array.from({ length: 1_000 }, (_, n) => claimant(`many ${n}`, 10, "many"));
    const shares = shareOut([...many, claimant("single", 10, "single")], 10);
    expect(shares.get("single")).toBe(5);
  });

  it("gives all there is, nobody more than wanted, and no group a lead of more than one", () => {
    const claimants = fc.uniqueArray(
      fc.record({
        key: fc.string(),
        group: fc.constantFrom("a", "b", "c"),
        wants: fc.integer({ min: -1, max: 20 }),
      }),
      { selector: ({ key }) => key, maxLength: 20 },
    );
    fc.assert(
      fc.property(claimants, fc.integer({ min: -5, max: 100 }), (given, room) => {
        const shares = shareOut(given, room);
        const total = [...shares.values()].reduce((sum, count) => sum + count, 0);
        const wanted = given.reduce((sum, { wants }) => sum + Math.max(0, wants), 0);
        expect(total).toBe(Math.max(0, Math.min(room, wanted)));
        const got = new Map<string, number>();
        for (const { key, group, wants } of given) {
          const share = shares.get(key) ?? 0;
          expect(share).toBeLessThanOrEqual(Math.max(0, wants));
          got.set(group, (got.get(group) ?? 0) + share);
        }
        const isHungry = (group: string): boolean =>
          given.some((one) => one.group === group && (shares.get(one.key) ?? 0) < one.wants);
        for (const [group, count] of got) {
          if (!isHungry(group)) continue;
          for (const other of got.values()) expect(other - count).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("takeTurns", () => {
  it("mixes destinations and keeps the order within each", () => {
    const items = ["a1", "a2", "a3", "b1", "c1", "b2"].map((id) => ({
      id,
      destination: id[0] ?? "",
    }));
    expect(takeTurns(items).map(({ id }) => id)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });
});
