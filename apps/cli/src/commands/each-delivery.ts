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

export async function eachDelivery(
  ids: readonly string[],
  cli: Cli,
  { done, act }: { readonly done: string; readonly act: (id: string) => Promise<Delivery> },
): Promise<void> {
  const { output } = cli;
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
      output.note(`${id}  ${code}: ${message}`);
    }
  }
  output.json(results);
  cli.endWith(exitCode);
}
