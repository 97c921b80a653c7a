/**
 * `pnpm start`: the whole service with one command.
 *
 * In development it needs nothing but Node: the database is embedded unless DATABASE_URL is set, keys
 * are made up and kept. With NODE_ENV=production it brings nothing of its own: what is missing is named
 * and nothing is started. Ends with 0 when it was asked to stop, with 1 when a part of it ended by itself.
 */
import { join } from "node:path";
import { DATA_FOLDER, withDevelopmentDefaults } from "@webhook-delivery/shared/development.ts";
import { keepRunningService } from "@webhook-delivery/shared/embedded/running-service.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import { untilAborted } from "@webhook-delivery/shared/process.ts";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { banner } from "./dev/banner.ts";
import { describeLocation } from "./dev/database.ts";
import { chooseLogLines } from "./dev/log-lines.ts";
import { runCommand } from "./dev/run-command.ts";
import { checkSettings } from "./dev/settings.ts";
import { withStack, type Stack, type StackOptions } from "./dev/stack.ts";
import type { StopRequest, StopRequested } from "./dev/stop-request.ts";

const LOOPBACK = "127.0.0.1";
const isProduction = process.env["NODE_ENV"] === "production";

await runCommand(async (stop) => {
  const options = await (isProduction ? productionOptions(stop) : developmentOptions(stop));
  stop.signal.addEventListener("abort", () =>
    options.say(`Stopping: ${(stop.signal.reason as StopRequested).message}`),
  );
  const exitCode = await withStack(options, async (stack) => {
    using _kept = isProduction ? undefined : keepRunningService(DATA_FOLDER, stack.exactOrigin);
    options.say(isProduction ? `Ready on ${stack.origin}` : describeStack(stack));
    const why = await Promise.race([stack.ended, untilAborted(stop.signal)]);
    if (why === undefined) return 0;
    console.error(`${why}. Stopping everything.`);
    return 1;
  });
  options.say("Stopped.");
  return exitCode;
});

async function developmentOptions(stop: StopRequest): Promise<StackOptions> {
  const showLine = await chooseLogLines(process.stdout.isTTY);
  return {
    // The key is on the screen, and the receivers that may be sent to are on this machine.
    env: { ...withDevelopmentDefaults(process.env), HOST: process.env["HOST"] || LOOPBACK },
    embedded: { folder: join(DATA_FOLDER, "postgres") },
    stop,
    say: (line) => console.log(line),
    onLog: (line) => console.log(showLine(line)),
  };
}

/** Everything on standard output is a log line. */
async function productionOptions(stop: StopRequest): Promise<StackOptions> {
  const { LOG_LEVEL } = checkSettings(process.env, false);
  const log = createLog("start", LOG_LEVEL);
  return {
    env: process.env,
    stop,
    say: (line) => log.info({ event: "start" }, line),
    onLog: (line) => console.log(line),
  };
}

function describeStack(stack: Stack): string {
  const isEmbedded = !process.env["DATABASE_URL"]?.trim();
  return banner({
    ...stack,
    version: VERSION,
    // Its password is as secret as the API key below; one that was given stays with who gave it.
    database: isEmbedded ? `embedded ${stack.databaseUrl}` : describeLocation(stack.databaseUrl),
    dataFolder: DATA_FOLDER,
    isOwnKey: !process.env["API_KEYS"],
  });
}
