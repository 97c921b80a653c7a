/**
 * What every command takes, before it or after it: `wd --json list` and `wd list --json` are the same.
 * A command with an option of the same name keeps its own; the common one then stands before the command.
 */
import { Option, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { DEFAULT_URL } from "./connection.ts";

export interface CommonOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

const GROUP = "Everywhere:";

const URL_OPTION = new Option(
  "--url <url>",
  `the service (WEBHOOK_DELIVERY_URL; default: where \`npx -y pnpm@12 start\` of this clone listens, else ${DEFAULT_URL})`,
).helpGroup(GROUP);
const API_KEY_OPTION = new Option(
  "--api-key <key>",
  "a key of the service (better WEBHOOK_DELIVERY_API_KEY: arguments stand in the process list)",
).helpGroup(GROUP);
const JSON_OPTION = new Option(
  "--json",
  "print JSON on standard output, and errors as JSON on standard error",
).helpGroup(GROUP);

const COMMON = [URL_OPTION, API_KEY_OPTION, JSON_OPTION];

/** To `command` and all below it. */
export function addCommonOptions(command: CommandUnknownOpts): void {
  const taken = new Set(command.options.map(({ long }) => long));
  for (const option of COMMON) if (!taken.has(option.long)) command.addOption(option);
  for (const below of command.commands) addCommonOptions(below);
}

/** As given to `command` or, where it was not, to one that it stands in. */
export function commonOptionsOf(command: CommandUnknownOpts): CommonOptions {
  const url = given(command, URL_OPTION);
  const apiKey = given(command, API_KEY_OPTION);
  return {
    ...(typeof url === "string" && { url }),
    ...(typeof apiKey === "string" && { apiKey }),
    json: given(command, JSON_OPTION) === true,
  };
}

function given(command: CommandUnknownOpts | null, option: Option): unknown {
  if (command === null) return undefined;
  const own: unknown = command.options.includes(option)
    ? command.getOptionValue(option.attributeName())
    : undefined;
  return own ?? given(command.parent, option);
}
