/** `wd listen`: a receiver on this machine, to see what arrives. It needs no service and no key. */
import type { Cli, Parent } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure, usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { arrivalJson, describeArrival } from "../listen/describe.ts";
import { judge, secretProblem } from "../listen/judge.ts";
import { startReceiver, type ReceiverOptions } from "../listen/receiver.ts";
import { collect, integer } from "../option-values.ts";
import { secretOfEnvironment } from "../secret.ts";

const DEFAULT_PORT = 4000;
const MOST_DELAY_MS = 600_000;

export function addListen(parent: Parent, cli: Cli): void {
  parent
    .command("listen")
    .summary("receive webhooks on this machine, print them and check their signatures")
    .description(
      "Receives webhooks on this machine until Ctrl-C, prints each and says whether its signature is valid. It needs neither the service nor a key.",
    )
    .option(
      "--port <n>",
      `port to listen on (default ${DEFAULT_PORT}; 0: a free one)`,
      integer(0, 65_535),
    )
    .option("--host <host>", "address to listen on (default 127.0.0.1: this machine only)")
    .option(
      "--secret <secret>",
      "what signatures are checked with (WEBHOOK_SECRET); several while a secret is being changed",
      collect,
    )
    .option("--status <n>", "what to answer (default 200)", integer(200, 599))
    .option("--delay <ms>", "answer so many milliseconds later", integer(0, MOST_DELAY_MS))
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd listen --secret test-secret",
        "npx -y pnpm@12 wd listen --status 500",
        "npx -y pnpm@12 --silent wd listen --json | jq -r .signature.state",
      )}`,
    )
    .action(
      async ({ port = DEFAULT_PORT, host = "127.0.0.1", status = 200, delay = 0, secret }) => {
        const { output, signal, surroundings } = cli;
        const ofEnvironment = secretOfEnvironment(surroundings.env);
        const secrets = secret ?? (ofEnvironment ? [ofEnvironment] : []);
        for (const one of secrets) await requireUsable(one);
        await using receiver = await listenOn({
          host,
          port,
          status,
          delayMs: delay,
          onRequest: async (request) => {
            const arrival = { request, verdict: await judge(request, secrets), status };
            output.jsonLine(arrivalJson(arrival));
            output.lines(describeArrival(arrival, output.paint));
          },
        });
        output.note(`Listening on ${receiver.origin}. Ctrl-C ends it.`);
        if (!signal.aborted) {
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        }
      },
    );
}

async function requireUsable(secret: string): Promise<void> {
  const problem = await secretProblem(secret);
  if (problem !== undefined) throw usageFailure(`The secret cannot be used: ${problem}`);
}

async function listenOn(options: ReceiverOptions) {
  try {
    return await startReceiver(options);
  } catch (error) {
    throw new Failure(EXIT.failed, "cannot_listen", explain(error, options));
  }
}

function explain(error: unknown, { host, port }: ReceiverOptions): string {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return `Port ${port} is in use on ${host}: choose another with --port.`;
  }
  if (code === "EACCES")
    return `This user may not listen on port ${port}: choose another with --port.`;
  return `${host}:${port} is no address to listen on here (${code}).`;
}
