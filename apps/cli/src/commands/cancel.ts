/** `wd cancel`: pending deliveries never leave. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { eachDelivery } from "./each-delivery.ts";

export function addCancel(parent: Parent, cli: Cli): void {
  parent
    .command("cancel")
    .summary("cancel pending deliveries")
    .description(
      "Cancels pending deliveries: they never leave. Exit code 1 when one of them was not pending.",
    )
    .argument("<id...>", "of the deliveries; - reads them from standard input, one a line")
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd cancel 01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
        "npx -y pnpm@12 --silent wd list --status pending --endpoint ID --all --json | jq -r .id | npx -y pnpm@12 wd cancel -",
      )}`,
    )
    .action(async (ids) => {
      const client = cli.client();
      await eachDelivery(ids, cli, {
        done: "cancelled",
        act: (id) => client.deliveries.cancel(id, { signal: cli.signal }),
      });
    });
}
