/** `wd endpoints`: registered receivers. */
import { Option } from "@commander-js/extra-typings";
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { integer } from "../option-values.ts";
import { describeEndpoint, endpointTable } from "../show/endpoint.ts";
import { addEndpointActions } from "./endpoint-actions.ts";
import { addEndpointCreate } from "./endpoint-create.ts";
import { addEndpointSecrets } from "./endpoint-secrets.ts";
import { addEndpointUpdate } from "./endpoint-update.ts";

const MOST_ON_A_PAGE = 200;
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
        "pnpm wd endpoints",
        "pnpm wd endpoints create --url https://example.com/hook --event-types 'message.*,lead.captured'",
        "pnpm wd endpoints test ID",
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
    .option("--limit <n>", `at most so many (default ${DEFAULT_LIMIT})`, integer(1, MOST_ON_A_PAGE))
    .addOption(
      new Option("--all", "all of them, page by page; with --json one a line").conflicts("limit"),
    )
    .addHelpText(
      "after",
      `\n${examples("pnpm wd endpoints list", "pnpm --silent wd endpoints --json")}`,
    )
    .action(async ({ limit = DEFAULT_LIMIT, all }) => {
      const { output, signal } = cli;
      const client = cli.client();
      const { columns, paint } = output;
      if (all) {
        const found = client.endpoints.iterate({ limit: MOST_ON_A_PAGE }, { signal });
        const endpoints = [];
        for await (const endpoint of found) {
          output.jsonLine(endpoint);
          if (!output.isJson) endpoints.push(endpoint);
        }
        return output.lines(endpointTable(endpoints, { columns, paint, now: new Date() }));
      }
      const page = await client.endpoints.list({ limit }, { signal });
      output.json(page);
      if (output.isJson) return;
      if (page.endpoints.length === 0) return output.note("No endpoints.");
      output.lines(endpointTable(page.endpoints, { columns, paint, now: new Date() }));
      if (page.nextCursor !== null) {
        output.note(`${page.endpoints.length} of ${page.total}; more with --limit or --all.`);
      }
    });
}

function addEndpointShow(parent: Parent, cli: Cli): void {
  parent
    .command("show")
    .summary("show an endpoint and how it fares")
    .description("Shows an endpoint and how it fares.")
    .argument("<id>", "of the endpoint")
    .addHelpText("after", `\n${examples("pnpm wd endpoints show ID")}`)
    .action(async (id) => {
      const { output, signal } = cli;
      const endpoint = await cli.client().endpoints.get(id, { signal });
      output.json(endpoint);
      output.lines(describeEndpoint(endpoint, { paint: output.paint, now: new Date() }));
    });
}
