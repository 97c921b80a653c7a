/** One run of the command line, from its arguments to its exit code. It never throws. */
import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Cli, Surroundings } from "./cli.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Failure, tellFailure, type ToldFailure } from "./failure.ts";
import { createOutput } from "./output.ts";
import { createProgram } from "./program.ts";

export async function run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { program, cli } = await createProgram(surroundings, args);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.done;
  }
  try {
    await program.parseAsync(withDefaultCommand(withHelpOption(args), program), { from: "user" });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const failure = explain(error, cli);
    const seeAlso = failure.exitCode === EXIT.usage ? helpFor(program, args) : undefined;
    // Options after the mistake were not parsed.
    const isJson = args.includes("--json");
    createOutput(surroundings, { isJson, secrets: cli.secrets }).failure(failure, seeAlso);
    return failure.exitCode;
  }
}

/** `wd help endpoints create`: commander's own `help` knows one word only. */
function withHelpOption(args: readonly string[]): readonly string[] {
  const [first, ...path] = args;
  return first === "help" && path.length > 1 ? [...path, "--help"] : args;
}

/** `wd endpoints` alone lists them. Commander's own default would take every misspelt command for it. */
function withDefaultCommand(args: readonly string[], program: CommandUnknownOpts): string[] {
  const names = new Set(program.commands.map((command) => command.name()));
  const at = args.findIndex((arg) => names.has(arg));
  const next = args[at + 1];
  const isAlone = args[at] === "endpoints" && (next === undefined || next.startsWith("-"));
  if (!isAlone || next === "-h" || next === "--help") return [...args];
  return args.toSpliced(at + 1, 0, "list");
}

function explain(error: unknown, cli: Cli): ToldFailure {
  if (error instanceof CommanderError) {
    const message = withoutValue(error.message.replace(/^error: /, ""));
    return tellFailure(new Failure(EXIT.usage, "usage", message), undefined);
  }
  if (cli.signal.aborted) {
    const message = error instanceof Failure ? error.message : "Interrupted.";
    return tellFailure(new Failure(EXIT.interrupted, "interrupted", message), undefined);
  }
  return tellFailure(error, cli.connection?.url);
}

/** `--api-kye=KEY` is not known, and its value is nobody's business. */
function withoutValue(message: string): string {
  return message.replace(/^(unknown option '--[^=']+)=.*?'/s, "$1'");
}

/** Of the innermost command that the arguments name. */
function helpFor(program: CommandUnknownOpts, args: readonly string[]): string {
  const path: string[] = [];
  let command = program;
  for (const arg of args) {
    const next = command.commands.find((one) => one.name() === arg);
    if (next === undefined) continue;
    command = next;
    path.push(arg);
  }
  return `See: ${["npx -y pnpm@12 wd", ...path, "--help"].join(" ")}`;
}
