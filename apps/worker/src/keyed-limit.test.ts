import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createKeyedLimit } from "./keyed-limit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Those who got in, in their order. */
function enterAll(limit: ReturnType<typeof createKeyedLimit>, key: string, names: string[]) {
  const inside: { name: string; leave: () => void }[] = [];
  const refused: string[] = [];
  for (const name of names) {
    void limit.enter(key, 1_000).then((room) => {
      if (room === undefined) refused.push(name);
      else inside.push({ name, leave: () => room[Symbol.dispose]() });
    });
  }
  return { names: () => inside.map(({ name }) => name), inside, refused };
}

describe("a limit by key", () => {
  it("lets so many in for each key, and the others in their order as room is left", async () => {
    const limit = createKeyedLimit(2);
    const one = enterAll(limit, "one", ["a", "b", "c", "d"]);
    const other = enterAll(limit, "other", ["x"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(one.names()).toEqual(["a", "b"]);
    expect(other.names()).toEqual(["x"]);
    one.inside[1]?.leave();
    await vi.advanceTimersByTimeAsync(0);
    expect(one.names()).toEqual(["a", "b", "c"]);
    one.inside[0]?.leave();
    one.inside[2]?.leave();
    await vi.advanceTimersByTimeAsync(0);
    expect(one.names()).toEqual(["a", "b", "c", "d"]);
  });

  it("gives no room to who comes later before who waits", async () => {
    const limit = createKeyedLimit(1);
    const first = enterAll(limit, "key", ["a", "b"]);
    await vi.advanceTimersByTimeAsync(0);
    first.inside[0]?.leave();
    const late = enterAll(limit, "key", ["late"]);
    await vi.advanceTimersByTimeAsync(0);
    expect([first.names(), late.names()]).toEqual([["a", "b"], []]);
  });

  it("lets go who waited too long, and keeps no room for them", async () => {
    const limit = createKeyedLimit(1);
    const all = enterAll(limit, "key", ["a", "b"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(all.refused).toEqual(["b"]);
    all.inside[0]?.leave();
    const next = enterAll(limit, "key", ["c"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(next.names()).toEqual(["c"]);
  });

  it("lets nobody in after a stop, also not who waits", async () => {
    const limit = createKeyedLimit(1);
    const all = enterAll(limit, "key", ["a", "b"]);
    await vi.advanceTimersByTimeAsync(0);
    limit.stop();
    const late = enterAll(limit, "other", ["late"]);
    await vi.advanceTimersByTimeAsync(0);
    expect([all.names(), all.refused, late.refused]).toEqual([["a"], ["b"], ["late"]]);
    all.inside[0]?.leave();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is none when it is infinite", async () => {
    const all = enterAll(createKeyedLimit(Infinity), "key", Array.from("abcdefgh"));
    await vi.advanceTimersByTimeAsync(0);
    expect(all.names()).toHaveLength(8);
  });
});
