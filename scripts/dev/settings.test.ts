import { expect, test } from "vitest";
import { checkSettings } from "./settings.ts";

test("names every problem of both services at once, each once", () => {
  const env = { NODE_ENV: "production", PORT: "http", LOG_LEVEL: "loud" };
  const names = problemLines(() => checkSettings(env, false)).map((line) => line.split(" ")[0]);
  expect(new Set(names)).toEqual(
    new Set(["API_KEYS", "DATABASE_URL", "ENCRYPTION_KEY", "LOG_LEVEL", "PORT"]),
  );
  expect(names).toHaveLength(5);
});

test("asks for no database that is brought along", () => {
  const lines = problemLines(() => checkSettings({ NODE_ENV: "production" }, true));
  expect(lines.join()).not.toContain("DATABASE_URL");
});

function problemLines(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    return (error as Error).message.split("\n  ").slice(1);
  }
  throw new Error("there was no problem");
}
