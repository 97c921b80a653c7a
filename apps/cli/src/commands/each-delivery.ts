/** The same thing done to several deliveries, one after the other; one refusal does not stop the others. */
import type { Delivery } from "@webhook-delivery/client";
import type { Cli } from "../cli.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { tellFailure } from "../failure.ts";

interface Refused {
  readonly id: string;
  readonly error: { readonly code: string; readonly message: string };
}
type Result = { readonly id: string; readonly delivery: Delivery } | Refused;

const FROM_STDIN = "-";

/** `given`: ids, and `-` for those on standard input, one a line. */
export async function eachDelivery(
  given: readonly string[],
  cli: Cli,
  { done, act }: { readonly done: string; readonly act: (id: string) => Promise<Delivery> },
): Promise<void> {
  const { output } = cli;
  const ids = await readIds(given, cli);
  if (ids.length === 0) output.note("No ids on standard input: nothing to do.");
  const results: Result[] = [];
  let exitCode: ExitCode = EXIT.done;
  for (const id of ids) {
    try {
      results.push({ id, delivery: await act(id) });
      output.lines([`${id}  ${done}`]);
    } catch (error) {
      const { code, message, exitCode: own } = tellFailure(error, cli.connection?.url);
      // No answer to this one: there will be none to the next either.
      if (cli.signal.aborted || own !== EXIT.failed || code === "unauthorized") {
        if (results.length > 0) output.json(results);
        throw error;
      }
      results.push({ id, error: { code, message } });
      exitCode = own;
      // With --json the result says it.
      if (!output.isJson) output.note(`${id}  ${code}: ${message}`);
    }
  }
  output.json(results);
  cli.endWith(exitCode);
}

async function readIds(given: readonly string[], { surroundings }: Cli): Promise<string[]> {
  if (!given.includes(FROM_STDIN)) return [...given];
  const lines = (await surroundings.readStdin()).split(/\s+/).filter((line) => line !== "");
  const at = given.indexOf(FROM_STDIN);
  return given.toSpliced(at, 1, ...lines).filter((id) => id !== FROM_STDIN);
}
