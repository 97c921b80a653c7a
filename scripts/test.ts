/**
 * `pnpm test`: vitest, once, with the arguments given here. The real PostgreSQL and Redis behind the
 * tests are started and removed by packages/shared/src/testing/global-setup.ts.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
// Ctrl-C reaches vitest by itself, as a member of the terminal's foreground group; what is left to do
// here is to wait for its end. A signal sent to this process alone must be passed on.
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));

child.once("error", (error) => {
  console.error(`vitest did not start: ${error.message}`);
  process.exit(1);
});
// Ended by a signal: there is no code, and it was no success.
child.once("exit", (code) => process.exit(code ?? 1));
