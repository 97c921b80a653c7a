import * as fc from "fast-check";
import { expect, it } from "vitest";
import { findJsonFault } from "./json-fault.ts";

it.each([
  ["{webhookUrl:", 1, 2],
  ['{\n  "a": 1,\n  "b": tru\n}', 3, 8],
  ['{\n  "a": 1,\n}', 3, 1],
  ["[1, 2,]", 1, 7],
  ['{"a":1} {}', 1, 9],
  ['{"a" 1}', 1, 6],
  ['{"a":"b\n"}', 1, 8],
  ['{"a":"\\x"}', 1, 7],
  ['{"a":"never', 1, 6],
  ['{"a":1', 1, 7],
  ["{'a':1}", 1, 2],
  ["[01]", 1, 3],
  ["[1.]", 1, 3],
  ["[NaN]", 1, 2],
  ["", 1, 1],
  ["\r\n\r\n]", 3, 1],
  ["[1}", 1, 3],
  ["{]", 1, 2],
  ["\u00a0{}", 1, 1],
])("%j stops being JSON at line %i, column %i", (text, line, column) => {
  expect(findJsonFault(text)).toMatchObject({ line, column });
});

it("does not echo what stands there but for one character", () => {
  expect(findJsonFault('{"a": hunter2}')?.message).toBe("h where a value was expected");
});

it("nests as deep as a text does", () => {
  expect(findJsonFault("[".repeat(100_000))).toMatchObject({ column: 100_001 });
});

it("says of every text what JSON.parse says: JSON, or not", () => {
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom("", '"', "\\", "]", "}", ",", ":", "0", "-", "\n"))
    .map(([text, at, put]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + 1);
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.json(), fc.string()), (text) => {
      expect(findJsonFault(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 3_000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
