/** `wd destinations`: where deliveries go, and what is held back for whom. */
import { Option } from "@commander-js/extra-typings";
import type { DestinationQuery } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { ALL_OPTION, limitOption } from "../page-options.ts";
import { destinationTable } from "../show/destination.ts";
import { DESTINATION_STATES } from "../statuses.ts";
import { printPages } from "./print-pages.ts";

const DEFAULT_LIMIT = 50;

export function addDestinations(parent: Parent, cli: Cli): void {
  parent
    .command("destinations")
    .summary("show how destinations stand, and what is held back for them")
    .description(
      "Shows how destinations stand, what is held back for them and until when. A destination is an endpoint, by its id; for deliveries without one it is their URL without https:// and query string.",
    )
    .argument("[destination]", "only this one")
    .addOption(new Option("--state <state>", "only in this state").choices(DESTINATION_STATES))
    .addOption(limitOption(DEFAULT_LIMIT))
    .addOption(ALL_OPTION)
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd destinations --state open",
        "npx -y pnpm@12 wd destinations hooks.example.com",
        "npx -y pnpm@12 --silent wd destinations --all --json | jq 'select(.heldBack > 0)'",
      )}`,
    )
    .action(async (key, { state, limit, all }) => {
      if (key !== undefined && (state ?? limit ?? all) !== undefined) {
        throw usageFailure("One destination, or --state, --limit and --all.");
      }
      const { destinations } = cli.client();
      const { output, signal } = cli;
      if (key !== undefined) {
        const destination = await destinations.get(key, { signal });
        output.json(destination);
        const { columns, paint } = output;
        return output.lines(destinationTable([destination], { columns, paint, now: new Date() }));
      }
      const query: DestinationQuery = { ...(state !== undefined && { state }) };
      await printPages(cli, all, {
        name: "destinations",
        page: () => destinations.list({ ...query, limit: limit ?? DEFAULT_LIMIT }, { signal }),
        all: () => destinations.iterate(query, { signal }),
        table: destinationTable,
      });
    });
}
