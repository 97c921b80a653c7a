import * as fc from "fast-check";
import { expect, it } from "vitest";
import { afterPrefix } from "./text-range.ts";

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

it("ends where the texts that begin with a prefix end, and not before", () => {
  const text = fc.string({ unit: "binary", minLength: 1 });
  fc.assert(
    fc.property(text, fc.string({ unit: "binary" }), text, (prefix, rest, other) => {
      const end = afterPrefix(prefix) ?? "";
      const isInRange = (value: string) =>
        compare(value, prefix) >= 0 && (end === "" || compare(value, end) < 0);
      expect(isInRange(prefix + rest)).toBe(true);
      expect(isInRange(other)).toBe(other.startsWith(prefix));
    }),
  );
});

it.each([
  ["a", "b"],
  ["https://", "https:/0"],
  ["a\u{10ffff}", "b"],
  ["\u{d7ff}", "\u{e000}"],
  ["\u{10ffff}", null],
])("puts after all that begin with %j: %j", (prefix, end) => {
  expect(afterPrefix(prefix)).toBe(end);
});
