import { expect, it } from "vitest";
import type { AttemptResult } from "./attempt-result.ts";
import { secretsIn, withoutEchoes } from "./echoes.ts";

function bodyAfter(body: string, secrets: readonly string[]): string {
  const result = { kind: "response", status: 401, headers: {}, body, durationMs: 1 } as const;
  const shown = withoutEchoes(result, secrets);
  return shown.kind === "response" ? shown.body : "";
}

it.each([
  ["a key", "no such key: kit_0123456789", ["kit_0123456789"], "no such key: ***"],
  ["a token without its scheme", "bad EAAG0123456789!", ["Bearer EAAG0123456789"], "bad ***!"],
  ["the whole header", "got Bearer EAAG0123456789", ["Bearer EAAG0123456789"], "got ***"],
  ["each time, the longest first", "ab345678 ab3456789", ["ab345678", "ab3456789"], "*** ***"],
  ["a key as JSON spells it", String.raw`{"key":"a\"b/c-0123"}`, ['a"b/c-0123'], '{"key":"***"}'],
  [
    "a key as PHP's JSON spells it",
    String.raw`{"key":"k/0123+456"}`.replace("/", "\\/"),
    ["k/0123+456"],
    '{"key":"***"}',
  ],
  ["a key as a URL spells it", "?key=k%2F0123%2B456", ["k/0123+456"], "?key=***"],
  [
    "the beginning of a key where the text was cut",
    "you sent kit_01",
    ["kit_0123456789"],
    "you sent ***",
  ],
  ["no end that a key only happens to begin with", "kit_0", ["kit_0123456789"], "kit_0"],
  ["nothing that is too short to tell", "Bearer of news: ok", ["Bearer ok"], "Bearer of news: ok"],
  ["nothing without a secret", "kit_0123456789", [], "kit_0123456789"],
])("masks %s", (_, body, secrets, shown) => {
  expect(bodyAfter(body, secrets)).toBe(shown);
});

it("masks the headers of an answer too", () => {
  const headers = { "x-echo": "got EAAG0123456789", "content-type": "text/plain" };
  const result = { kind: "response", status: 200, headers, body: "", durationMs: 1 } as const;
  expect(withoutEchoes(result, ["Bearer EAAG0123456789"])).toMatchObject({
    headers: { "x-echo": "got ***", "content-type": "text/plain" },
  });
});

it("knows what a URL hides, raw and decoded", () => {
  expect(secretsIn("https://example.com/hook")).toEqual([""]);
  expect(secretsIn("https://example.com/hook?a=one%2Ftwo&three")).toEqual([
    "one%2Ftwo",
    "three",
    "one/two",
    "",
  ]);
});

it("leaves a result without an answer as it is", () => {
  const result: AttemptResult = { kind: "timeout", message: "no answer", durationMs: 1 };
  expect(withoutEchoes(result, ["no answer"])).toBe(result);
});
