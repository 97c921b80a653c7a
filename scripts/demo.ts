/**
 * `pnpm demo`: what the product does, in half a minute. A service of its own on free ports with its own
 * database beside that of `pnpm start`, receivers that check every signature, and four deliveries:
 * one that arrives, one that is retried, one that is refused for good, one that is asked to wait.
 * Ends with 0 when each ended as it says, else with 1.
 */
import { join } from "node:path";
import { VARIABLES } from "@webhook-delivery/shared/config.ts";
import { DATA_FOLDER } from "@webhook-delivery/shared/development.ts";
import { loadDevelopmentSecrets } from "@webhook-delivery/shared/embedded/development-secrets.ts";
import { connectApi } from "./dev/demo-api.ts";
import { runDemo, WAITS_SECONDS } from "./dev/demo-scenarios.ts";
import { chooseLogLines } from "./dev/log-lines.ts";
import { CannotRun, runCommand } from "./dev/run-command.ts";
import type { Env } from "./dev/services.ts";
import { withStack } from "./dev/stack.ts";

const DEMO_FOLDER = join(DATA_FOLDER, "demo");

await runCommand(async (stop) => {
  const showLine = await chooseLogLines(process.stdout.isTTY);
  console.log("Starting a service for the demo …");
  const options = {
    env: demoEnv(process.env),
    // Nobody will miss it, so nobody waits for the disk.
    embedded: { folder: join(DEMO_FOLDER, "postgres"), settings: { fsync: "off" } },
    stop,
    say: (line: string) => console.log(line),
    onLog: (line: string) => console.log(showLine(line)),
  };
  return withStack(options, async (stack) => {
    const failure = stack.ended.then((why) => Promise.reject(new CannotRun(why)));
    return Promise.race([
      runDemo(connectApi(stack), { signal: stop.signal, say: options.say }),
      failure,
    ]);
  });
});

/** Settings of the caller's own service, its database and its Redis above all, are not the demo's. */
function demoEnv(env: Env): Env {
  const { apiKey, encryptionKey } = loadDevelopmentSecrets(DEMO_FOLDER);
  const others = Object.entries(env).filter(([name]) => !Object.hasOwn(VARIABLES, name));
  return {
    ...Object.fromEntries(others),
    NODE_ENV: "development",
    HOST: "127.0.0.1",
    PORT: "0",
    API_KEYS: apiKey,
    ENCRYPTION_KEY: encryptionKey,
    RETRY_SCHEDULE_SECONDS: WAITS_SECONDS.join(","),
    LOG_LEVEL: env["LOG_LEVEL"] || "error",
  };
}
