import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SUBSCRIPTION_PATTERN, subscriptionsTo } from "./subscription.ts";

const PATTERN = new RegExp(SUBSCRIPTION_PATTERN);
const segment = fc.stringMatching(/^[a-z_]{1,6}$/);
const type = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("."));

describe("what selects an event type", () => {
  it("is the type itself, every prefix of whole segments, and everything", () => {
    expect(subscriptionsTo("a.b.c").toSorted()).toEqual(["*", "a.*", "a.b.*", "a.b.c"]);
    expect(subscriptionsTo("lead").toSorted()).toEqual(["*", "lead"]);
  });

  it("is never a prefix that ends within a segment, nor the type with a star", () => {
    fc.assert(
      fc.property(type, (given) => {
        const entries = subscriptionsTo(given);
        expect(entries).not.toContain(`${given}.*`);
        for (const entry of entries.filter((one) => one !== given && one !== "*")) {
          expect(given.startsWith(entry.slice(0, -1))).toBe(true);
          expect(entry.endsWith(".*")).toBe(true);
        }
        expect(entries).toHaveLength(given.split(".").length + 1);
      }),
    );
  });

  it("can be written as a subscription, whatever the type", () => {
    fc.assert(
      fc.property(type, (given) => {
        for (const entry of subscriptionsTo(given)) expect(entry).toMatch(PATTERN);
      }),
    );
  });
});

describe("a subscription", () => {
  it.each(["*", "lead.*", "lead.captured", "a", "a-b_c/d:e.*", "x.y.z.*"])("may be %s", (entry) => {
    expect(entry).toMatch(PATTERN);
  });

  it.each(["", " ", "lead*", "*.captured", "a.*.b", "**", "with space", "line\nbreak", "é.*"])(
    "may not be %j",
    (entry) => {
      expect(entry).not.toMatch(PATTERN);
    },
  );
});
