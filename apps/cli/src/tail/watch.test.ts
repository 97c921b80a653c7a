import type { Delivery } from "@webhook-delivery/client";
import { describe, expect, test } from "vitest";
import { createWatch } from "./watch.ts";

const EPOCH_MS = Date.parse("2026-11-21T10:00:00.000Z");

type Given = Partial<Delivery> & {
  readonly id: string;
  readonly atS: number;
  readonly bornS?: number;
};

/** As far as a watch looks. */
function delivery({ atS, bornS = atS, ...rest }: Given): Delivery {
  const at = (seconds: number) => new Date(EPOCH_MS + seconds * 1_000).toISOString();
  const times = { createdAt: at(bornS), updatedAt: at(atS), nextRetryAt: null };
  const whole = { status: "pending", attempt: 0, ...times, ...rest };
  return whole as Delivery;
}

const watch = () => createWatch({ mostUnfinished: 3 });
const told = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ id, status, attempt }) => `${id} ${status} ${attempt}`);

describe("a watch", () => {
  test("tells nothing of what was there before it began", () => {
    const it = watch();
    const before = [delivery({ id: "a", atS: 0, status: "failed" }), delivery({ id: "b", atS: 1 })];
    expect(it.take(before)).toEqual([]);
    expect(it.take(before)).toEqual([]);
  });

  test("tells what is new and what has moved, each once, in the order in which it happened", () => {
    const it = watch();
    it.take([delivery({ id: "old", atS: 0 })]);
    const second = [
      delivery({ id: "c", atS: 5, status: "success", attempt: 1 }),
      delivery({ id: "b", atS: 3 }),
      delivery({ id: "old", atS: 4, bornS: 0, attempt: 1 }),
    ];
    expect(told(it.take(second))).toEqual(["b pending 0", "old pending 1", "c success 1"]);
    expect(it.take(second)).toEqual([]);
    const third = delivery({ id: "b", atS: 6, bornS: 3, status: "sent", attempt: 1 });
    expect(told(it.take([third]))).toEqual(["b sent 1"]);
  });

  test("begins with a service that has done nothing yet", () => {
    const it = watch();
    expect(it.hasBegun).toBe(false);
    expect(it.take([])).toEqual([]);
    expect([it.hasBegun, it.acceptedSince]).toEqual([true, undefined]);
    expect(told(it.take([delivery({ id: "first", atS: 0 })]))).toEqual(["first pending 0"]);
  });

  test("takes the later one of two states that were read at once, and never goes back", () => {
    const it = watch();
    it.take([]);
    const pending = delivery({ id: "a", atS: 1 });
    const done = delivery({ id: "a", atS: 2, bornS: 1, status: "success", attempt: 1 });
    expect(told(it.take([done, pending]))).toEqual(["a success 1"]);
    expect(it.take([pending])).toEqual([]);
  });

  test("tells of an old delivery that starts again", () => {
    const it = watch();
    it.take([delivery({ id: "newest", atS: 1_000, status: "success" })]);
    const again = delivery({ id: "old", bornS: 0, atS: 1_001, attempt: 4 });
    expect(told(it.take([again]))).toEqual(["old pending 4"]);
  });

  test("says nothing of an old one that it sees for the first time and that has not moved", () => {
    const it = watch();
    it.take([delivery({ id: "newest", atS: 1_000 })]);
    expect(it.take([delivery({ id: "old", atS: 0 })])).toEqual([]);
  });

  test("asks for unfinished ones that nobody showed it, the longest unread first", () => {
    const it = watch();
    const [a, b, c] = ["a", "b", "c"].map((id, atS) => delivery({ id, atS }));
    it.take([a, b, c].filter((one) => one !== undefined));
    it.take([b].filter((one) => one !== undefined));
    it.take([]);
    expect(it.unread(10)).toEqual(["a", "c", "b"]);
    expect(it.unread(1)).toEqual(["a"]);
    it.take([delivery({ id: "a", atS: 9, bornS: 0, status: "failed" })]);
    it.forget("c");
    expect(it.unread(10)).toEqual(["b"]);
  });

  test("asks first for what was in flight, then for what is due, last for what waits", () => {
    const it = watch();
    const nextRetryAt = "2026-11-21T11:00:00.000Z";
    it.take([
      delivery({ id: "waits", atS: 0, attempt: 1, nextRetryAt }),
      delivery({ id: "due", atS: 1 }),
      delivery({ id: "in flight", atS: 2, status: "sent", attempt: 1 }),
    ]);
    it.take([]);
    expect(it.unread(10)).toEqual(["in flight", "due", "waits"]);
  });

  test("watches no more than it was told to: those that moved last", () => {
    const it = watch();
    const moved = delivery({ id: "a", atS: 9, bornS: 0, status: "sent", attempt: 1 });
    it.take([...["b", "c", "d", "e"].map((id, atS) => delivery({ id, atS })), moved]);
    it.take([]);
    expect(it.unread(10).toSorted()).toEqual(["a", "d", "e"]);
    expect([it.knows("a"), it.knows("b")]).toEqual([true, false]);
  });

  test("looks back a little further than its newest, since rows come out of order", () => {
    const it = watch();
    expect(it.acceptedSince).toBeUndefined();
    it.take([delivery({ id: "a", atS: 100 })]);
    expect(it.acceptedSince).toBe("2026-11-21T10:00:40.000Z");
    it.take([delivery({ id: "b", atS: 101, bornS: 50 })]);
    expect(it.acceptedSince).toBe("2026-11-21T10:00:40.000Z");
  });
});
