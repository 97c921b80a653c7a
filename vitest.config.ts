import { defineConfig } from "vitest/config";

const tests = "{apps,packages,scripts,tests}/**/*.test.ts";
/** What it measures is bent by whatever runs beside it. */
const alone = "tests/end-to-end/rate-limit.test.ts";
/** Takes the whole machine for itself. */
const chaos = "tests/chaos/chaos.test.ts";
const shared = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    globalSetup: ["packages/shared/src/testing/global-setup.ts"],
    // The files mostly wait: for retries, timeouts and their processes.
    maxWorkers: 3,
    // Tests that say they are concurrent share their file's service; more at once would only queue there.
    maxConcurrency: 40,
    projects: [
      {
        test: {
          ...shared,
          name: "together",
          include: [tests],
          exclude: ["**/node_modules/**", alone, chaos],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: "alone", include: [alone], sequence: { groupOrder: 1 } } },
      { test: { ...shared, name: "chaos", include: [chaos], sequence: { groupOrder: 2 } } },
    ],
  },
});
