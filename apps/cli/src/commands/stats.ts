/** `wd stats`: what waits and what became of the rest. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { integer } from "../option-values.ts";
import { describeStats } from "../show/stats.ts";

const MOST_DAYS = 365;

export function addStats(parent: Parent, cli: Cli): void {
  parent
    .command("stats")
    .summary("show what waits, what succeeded and failed, and how quickly")
    .description("Shows what waits now, and what succeeded and failed in the last days.")
    .option(
      "--days <n>",
      `how far to look back, up to ${MOST_DAYS} (default 7)`,
      integer(1, MOST_DAYS),
    )
    .option("--endpoint <id>", "only what goes to this endpoint")
    .addHelpText(
      "after",
      `\n${examples("npx -y pnpm@12 wd stats", "npx -y pnpm@12 wd stats --days 1 --endpoint ID")}`,
    )
    .action(async ({ days, endpoint }) => {
      const { output, signal } = cli;
      const query = {
        ...(days !== undefined && { days }),
        ...(endpoint !== undefined && { endpointId: endpoint }),
      };
      const stats = await cli.client().deliveries.stats(query, { signal });
      output.json(stats);
      output.lines(describeStats(stats, output));
    });
}
