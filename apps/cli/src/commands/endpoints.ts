/** `wd endpoints`: registered receivers. */
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { ALL_OPTION, limitOption } from "../page-options.ts";
import { describeEndpoint, endpointTable } from "../show/endpoint.ts";
import { addEndpointActions } from "./endpoint-actions.ts";
import { addEndpointCreate } from "./endpoint-create.ts";
import { addEndpointSecrets } from "./endpoint-secrets.ts";
import { addEndpointUpdate } from "./endpoint-update.ts";
import { printPages } from "./print-pages.ts";

const DEFAULT_LIMIT = 50;

export function addEndpoints(parent: Parent, cli: Cli): void {
  const endpoints = parent
    .command("endpoints")
    .usage("[COMMAND] [options]")
    .summary("list, make and look after endpoints")
    .description("Lists, makes and looks after endpoints. Without a command: lists them.")
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd endpoints",
        "npx -y pnpm@12 wd endpoints create --url https://example.com/hook --event-types 'message.*,lead.captured'",
        "npx -y pnpm@12 wd endpoints test ID",
      )}`,
    );
  addEndpointList(endpoints, cli);
  addEndpointShow(endpoints, cli);
  addEndpointCreate(endpoints, cli);
  addEndpointUpdate(endpoints, cli);
  addEndpointActions(endpoints, cli);
  addEndpointSecrets(endpoints, cli);
}

function addEndpointList(parent: Parent, cli: Cli): void {
  parent
    .command("list")
    .summary("list endpoints, newest first")
    .description("Lists endpoints, newest first.")
    .addOption(limitOption(DEFAULT_LIMIT))
    .addOption(ALL_OPTION)
    .addHelpText(
      "after",
      `\n${examples("npx -y pnpm@12 wd endpoints list", "npx -y pnpm@12 --silent wd endpoints --json")}`,
    )
    .action(async ({ limit = DEFAULT_LIMIT, all }) => {
      const { endpoints } = cli.client();
      const { signal } = cli;
      await printPages(cli, all, {
        name: "endpoints",
        page: () => endpoints.list({ limit }, { signal }),
        all: () => endpoints.iterate({}, { signal }),
        table: endpointTable,
      });
    });
}

function addEndpointShow(parent: Parent, cli: Cli): void {
  parent
    .command("show")
    .summary("show an endpoint and how it fares")
    .description("Shows an endpoint and how it fares.")
    .argument("<id>", "of the endpoint")
    .addHelpText("after", `\n${examples("npx -y pnpm@12 wd endpoints show ID")}`)
    .action(async (id) => {
      const { output, signal } = cli;
      const endpoint = await cli.client().endpoints.get(id, { signal });
      output.json(endpoint);
      output.lines(describeEndpoint(endpoint, { paint: output.paint, now: new Date() }));
    });
}
