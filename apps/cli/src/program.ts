/** The command line as a whole: its commands, what they share, and how it explains itself. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { createCli, type Cli, type Surroundings } from "./cli.ts";
import { addCancel } from "./commands/cancel.ts";
import { addDestinations } from "./commands/destinations.ts";
import { addEndpoints } from "./commands/endpoints.ts";
import { addList } from "./commands/list.ts";
import { addListen } from "./commands/listen.ts";
import { addPublish } from "./commands/publish.ts";
import { addReplay } from "./commands/replay.ts";
import { addRetry } from "./commands/retry.ts";
import { addSend } from "./commands/send.ts";
import { addShow } from "./commands/show.ts";
import { addStats } from "./commands/stats.ts";
import { addTail } from "./commands/tail.ts";
import { addCommonOptions, commonOptionsOf } from "./common-options.ts";
import { EXIT_CODES_HELP } from "./exit-codes.ts";
import { examples } from "./help.ts";

export function createProgram(surroundings: Surroundings) {
  const program = new Command("wd")
    .usage("COMMAND [options]")
    .description("Sends webhooks through a webhook-delivery service and looks after them.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help, or a command's")
    .helpCommand("help [command]", "print a command's help")
    .enablePositionalOptions()
    .configureHelp({ minWidthToWrap: NARROW_HELP_WIDTH })
    .exitOverride()
    .configureOutput({
      writeOut: surroundings.writeOut,
      writeErr: surroundings.writeErr,
      // run.ts prints it, with --json as JSON.
      outputError: () => undefined,
      getOutHelpWidth: () => surroundings.columns ?? PLAIN_HELP_WIDTH,
      getOutHasColors: () => false,
    })
    .addHelpText("after", () => `\n${ROOT_HELP}\n`);
  let running: CommandUnknownOpts = program;
  program.hook("preAction", (_program, command) => {
    running = command;
  });
  const cli: Cli = createCli(surroundings, () => commonOptionsOf(running));
  const parts = [
    addSend,
    addPublish,
    addList,
    addShow,
    addRetry,
    addCancel,
    addReplay,
    addTail,
    addStats,
    addEndpoints,
    addDestinations,
    addListen,
  ];
  for (const add of parts) add(program, cli);
  addCommonOptions(program);
  return { program, cli };
}

const PLAIN_HELP_WIDTH = 100;
/** Beside the options' names, also on a terminal of 60 columns. */
const NARROW_HELP_WIDTH = 20;

const ROOT_HELP = `${examples(
  "npx -y pnpm@12 wd listen --secret test-secret",
  "npx -y pnpm@12 wd send --to http://localhost:4000/ --secret test-secret --test --wait",
  "npx -y pnpm@12 wd list --failed --since 2h",
  "npx -y pnpm@12 --silent wd list --failed --json | jq -r '.deliveries[].id'",
)}

The key: beside a clone in which \`npx -y pnpm@12 start\` has run, its key is used for a service on this machine, and without
--url the service that it runs is asked.
pnpm says on standard error what it runs; --silent before wd leaves that out. Once installed, ./wd is the same and starts at once.

${EXIT_CODES_HELP}`;
