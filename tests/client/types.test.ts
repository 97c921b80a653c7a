import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readTypes, TYPES_FILE } from "../../scripts/client-types.ts";

test("the client's types are those of the API: if not, run `pnpm client:types`", async () => {
  expect(await readTypes()).toBe(await readFile(TYPES_FILE, "utf8"));
});
