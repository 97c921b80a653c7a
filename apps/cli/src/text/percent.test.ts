import { expect, test } from "vitest";
import { percent } from "./percent.ts";

test.each([
  [0, "0 %"],
  [0.57, "57 %"],
  [5 / 7, "71.42 %"],
  [0.97995, "97.99 %"],
  [99_999 / 100_000, "99.99 %"],
  [1, "100 %"],
])("%d is %s", (rate, words) => {
  expect(percent(rate)).toBe(words);
});
