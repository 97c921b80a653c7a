/** `wd destinations`: where deliveries go, and what is held back for whom. */
import { Option } from "@commander-js/extra-typings";
import type { Client, Destination, DestinationQuery } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { integer } from "../option-values.ts";
import { destinationTable } from "../show/destination.ts";
import { DESTINATION_STATES } from "../statuses.ts";

const MOST_ON_A_PAGE = 200;
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
    .option("--limit <n>", `at most so many (default ${DEFAULT_LIMIT})`, integer(1, MOST_ON_A_PAGE))
    .addOption(
      new Option("--all", "all of them, page by page; with --json one a line").conflicts("limit"),
    )
    .addHelpText(
      "after",
      `\n${examples(
        "pnpm wd destinations --state open",
        "pnpm wd destinations hooks.example.com",
        "pnpm --silent wd destinations --all --json | jq 'select(.heldBack > 0)'",
      )}`,
    )
    .action(async (key, { state, limit, all }) => {
      if (key !== undefined && (state ?? limit ?? all) !== undefined) {
        throw usageFailure("One destination, or --state, --limit and --all.");
      }
      const client = cli.client();
      const query: DestinationQuery = { ...(state !== undefined && { state }) };
      if (key !== undefined) {
        const destination = await client.destinations.get(key, { signal: cli.signal });
        cli.output.json(destination);
        return show([destination], cli);
      }
      await (all
        ? listAll(client, query, cli)
        : listPage(client, { ...query, limit: limit ?? DEFAULT_LIMIT }, cli));
    });
}

async function listPage(client: Client, query: DestinationQuery, cli: Cli): Promise<void> {
  const { output, signal } = cli;
  const page = await client.destinations.list(query, { signal });
  output.json(page);
  if (output.isJson) return;
  show(page.destinations, cli);
  if (page.nextCursor === null) return;
  output.note(`${page.destinations.length} of ${page.total}; more with --limit or --all.`);
}

async function listAll(client: Client, query: DestinationQuery, cli: Cli): Promise<void> {
  const { output, signal } = cli;
  const found: Destination[] = [];
  const all = client.destinations.iterate({ ...query, limit: MOST_ON_A_PAGE }, { signal });
  for await (const destination of all) {
    output.jsonLine(destination);
    if (!output.isJson) found.push(destination);
  }
  if (!output.isJson) show(found, cli);
}

function show(destinations: readonly Destination[], { output }: Cli): void {
  const { columns, paint } = output;
  if (destinations.length === 0) return output.note("No destinations.");
  output.lines(destinationTable(destinations, { columns, paint, now: new Date() }));
}
