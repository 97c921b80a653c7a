import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const tests = "{apps,packages,scripts,tests}/**/*.test.ts";
/** What it measures is bent by whatever runs beside it. */
const alone = "tests/end-to-end/rate-limit.test.ts";
/** Takes the whole machine for itself. */
const chaos = "tests/chaos/chaos.test.ts";
const shared = {
  testTimeout: 240_000,
  hookTimeout: 240_000,
  // A second, the default, is less than a busy machine may be late.
  expect: { poll: { timeout: 90_000, interval: 50 } },
};

const clientSource = fileURLToPath(new URL("packages/client/src", import.meta.url));
/** As tsconfig.json has it: its package.json names what is built for others. */
const resolve = {
  alias: [
    { find: /^@webhook-delivery\/client$/, replacement: `${clientSource}/index.ts` },
    { find: /^@webhook-delivery\/client\/verify$/, replacement: `${clientSource}/verify.ts` },
  ],
};

export default defineConfig({
  test: {
    globalSetup: ["packages/shared/src/testing/global-setup.ts"],
    // The files mostly wait: for retries, timeouts and their processes.
    maxWorkers: 3,
    // Tests that say they are concurrent share their file's service; more at once would only queue there.
    maxConcurrency: 40,
    projects: [
      {
        resolve,
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
