/** `wd retry`: a new round of attempts for finished deliveries. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { MOST_ON_A_PAGE } from "../page-options.ts";
import { eachDelivery } from "./each-delivery.ts";
import { DEFAULT_LIMIT } from "./list.ts";

export function addRetry(parent: Parent, cli: Cli): void {
  parent
    .command("retry")
    .summary("start a new round of attempts for finished deliveries")
    .description(
      "Starts a new round of attempts for finished deliveries, with the same webhook-id. Exit code 1 when one was refused.",
    )
    .argument("<id...>", "of the deliveries; - reads them from standard input, one a line")
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd retry 01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
        "npx -y pnpm@12 --silent wd list --failed --json | jq -r '.deliveries[].id' | npx -y pnpm@12 wd retry -",
        "npx -y pnpm@12 --silent wd list --failed --all --json | jq -r .id | npx -y pnpm@12 wd retry -",
      )}

\`list\` gives ${DEFAULT_LIMIT} unless it is told otherwise: --limit up to ${MOST_ON_A_PAGE}, or --all. For many, see \`wd replay\`.`,
    )
    .action(async (ids) => {
      const client = cli.client();
      await eachDelivery(ids, cli, {
        done: "started again",
        act: (id) => client.deliveries.retry(id, { signal: cli.signal }),
      });
    });
}
