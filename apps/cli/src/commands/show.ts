/** `wd show`: everything about one delivery. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { describeDelivery } from "../show/delivery.ts";

export function addShow(parent: Parent, cli: Cli): void {
  parent
    .command("show")
    .summary("show a delivery with its payload and every attempt")
    .description("Shows a delivery with its payload and every attempt.")
    .argument("<id>", "of the delivery")
    .addHelpText(
      "after",
      `\n${examples(
        "pnpm wd show 01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
        "pnpm --silent wd show 01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f --json | jq '.attempts[-1]'",
      )}`,
    )
    .action(async (id) => {
      const { output, signal } = cli;
      const delivery = await cli.client().deliveries.get(id, { signal });
      output.json(delivery);
      output.lines(describeDelivery(delivery, { now: new Date(), paint: output.paint }));
    });
}
