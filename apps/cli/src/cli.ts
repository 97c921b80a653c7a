/** What every command is given: the service, the words, and how to end. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { createClient, type Client } from "@webhook-delivery/client";
import type { CommonOptions } from "./common-options.ts";
import { resolveConnection, type Connection } from "./connection.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { createOutput, type Output, type OutputTo } from "./output.ts";

/** The process around the command line, so that nothing else has to know it. */
export interface Surroundings extends OutputTo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly developmentKey: () => string | undefined;
  readonly developmentUrl: () => string | undefined;
  readonly readStdin: () => Promise<string>;
  /** Asks a person; undefined: there is nobody to ask. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Aborts at Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Cli {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly surroundings: Surroundings;
  /** Connects to nothing yet; a usage failure when it is not known where or as whom. */
  client(options?: { readonly maxRetries?: number }): Client;
  /** For a command that did its work, and whose work says that something failed. */
  readonly endWith: (exitCode: ExitCode) => void;
  readonly exitCode: ExitCode;
  /** Undefined while nothing asked for it. */
  readonly connection: Connection | undefined;
  /** What must be in no message. */
  readonly secrets: () => readonly string[];
}

/** What commands are added to. */
export type Parent = CommandUnknownOpts;

/** `options`: of the command that runs, known once the arguments are parsed. */
export function createCli(surroundings: Surroundings, options: () => CommonOptions): Cli {
  let connection: Connection | undefined;
  let exitCode: ExitCode = EXIT.done;
  const secrets = (): string[] =>
    [connection?.apiKey, options().apiKey, surroundings.env["WEBHOOK_DELIVERY_API_KEY"]].filter(
      (secret): secret is string => secret !== undefined && secret !== "",
    );
  return {
    get output() {
      return createOutput(surroundings, { isJson: options().json === true, secrets });
    },
    signal: surroundings.signal,
    surroundings,
    client({ maxRetries = 3 } = {}) {
      connection = resolveConnection({ ...surroundings, options: options() });
      return createClient({
        ...connection,
        maxRetries,
        onWarnings: (warnings) => {
          const { output } = this;
          for (const { field, message } of warnings) output.note(`warning: ${field} ${message}`);
        },
      });
    },
    endWith(code) {
      exitCode = code;
    },
    get exitCode() {
      return exitCode;
    },
    get connection() {
      return connection;
    },
    secrets,
  };
}
