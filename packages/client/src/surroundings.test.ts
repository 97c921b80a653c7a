import { expect, test } from "vitest";
import { realSurroundings } from "./surroundings.ts";

const LONGER_THAN_ANY_TEST_MS = 600_000;

test("a wait ends when its time is over", async () => {
  const startedAt = performance.now();
  await realSurroundings.sleep(30, new AbortController().signal);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
});

test("a wait ends at once when it is aborted, with the caller's reason", async () => {
  const interest = new AbortController();
  const wait = realSurroundings.sleep(LONGER_THAN_ANY_TEST_MS, interest.signal);
  interest.abort(new Error("never mind"));
  await expect(wait).rejects.toThrow("never mind");
  const another = realSurroundings.sleep(LONGER_THAN_ANY_TEST_MS, interest.signal);
  await expect(another).rejects.toThrow("never mind");
});
