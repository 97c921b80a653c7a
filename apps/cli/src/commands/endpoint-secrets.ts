/** `wd endpoints rotate-secret`. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { spanMs } from "../option-values.ts";
import { endpointLine, secretLines } from "../show/endpoint.ts";

const MS_PER_SECOND = 1_000;

export function addEndpointSecrets(parent: Parent, cli: Cli): void {
  parent
    .command("rotate-secret")
    .summary("give it a new secret; prints it, once")
    .description("Gives an endpoint a new secret, printed now and never again.")
    .argument("<id>", "of the endpoint")
    .option("--grace <span>", "so long the old one signs as well: 0s, 2h (default 1d)", spanMs)
    .option("--secret <secret>", "a secret of your own; default: a new one")
    .addHelpText(
      "after",
      `\n${examples("npx -y pnpm@12 wd endpoints rotate-secret ID --grace 2h")}`,
    )
    .action(async (id, { grace, secret: own }) => {
      const { output, signal } = cli;
      const body = {
        ...(grace !== undefined && { gracePeriodSeconds: grace / MS_PER_SECOND }),
        ...(own !== undefined && { secret: own }),
      };
      const rotated = await cli.client().endpoints.rotateSecret(id, body, { signal });
      output.json(rotated);
      const { endpoint, secret } = rotated;
      const until = endpoint.rotationEndsAt;
      output.lines([
        endpointLine(endpoint, output.paint),
        ...(until === null ? [] : [`  The old secret signs as well until ${until}.`]),
        ...secretLines(secret),
      ]);
    });
}
