import { expect, it } from "vitest";
import type { AttemptResult } from "./attempt-result.ts";
import { withoutEchoes } from "./echoes.ts";

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
  ["nothing that is too short to tell", "Bearer of news: ok", ["Bearer ok"], "Bearer of news: ok"],
  ["nothing without a secret", "kit_0123456789", [], "kit_0123456789"],
])("masks %s", (_, body, secrets, shown) => {
  expect(bodyAfter(body, secrets)).toBe(shown);
});

it("leaves a result without an answer as it is", () => {
  const result: AttemptResult = { kind: "timeout", message: "no answer", durationMs: 1 };
  expect(withoutEchoes(result, ["no answer"])).toBe(result);
});
