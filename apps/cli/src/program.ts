/** The command line as a whole: its commands, what they share, and how it explains itself. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { createCli, type Cli, type Parent, type Surroundings } from "./cli.ts";
import { addCommonOptions, commonOptionsOf } from "./common-options.ts";
import { EXIT_CODES_HELP } from "./exit-codes.ts";
import { examples } from "./help.ts";

type Add = (parent: Parent, cli: Cli) => void;

/** In the order of the help. Each is read from the disk only when it is needed: it takes most of a start. */
const COMMANDS: ReadonlyMap<string, () => Promise<Add>> = new Map([
  ["send", async () => (await import("./commands/send.ts")).addSend],
  ["publish", async () => (await import("./commands/publish.ts")).addPublish],
  ["list", async () => (await import("./commands/list.ts")).addList],
  ["show", async () => (await import("./commands/show.ts")).addShow],
  ["retry", async () => (await import("./commands/retry.ts")).addRetry],
  ["cancel", async () => (await import("./commands/cancel.ts")).addCancel],
  ["replay", async () => (await import("./commands/replay.ts")).addReplay],
  ["tail", async () => (await import("./commands/tail.ts")).addTail],
  ["stats", async () => (await import("./commands/stats.ts")).addStats],
  ["endpoints", async () => (await import("./commands/endpoints.ts")).addEndpoints],
  ["destinations", async () => (await import("./commands/destinations.ts")).addDestinations],
  ["listen", async () => (await import("./commands/listen.ts")).addListen],
]);

/** Those that the arguments name, which may be more than one that runs; all where they name none. */
async function loadCommands(args: readonly string[]): Promise<Add[]> {
  const named = [...COMMANDS].filter(([name]) => args.includes(name));
  const wanted = named.length > 0 ? named : [...COMMANDS];
  return Promise.all(wanted.map(([, load]) => load()));
}

export async function createProgram(surroundings: Surroundings, args: readonly string[]) {
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
  for (const add of await loadCommands(args)) add(program, cli);
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
