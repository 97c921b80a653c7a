/** `wd list`: deliveries, newest first. */
import { Option } from "@commander-js/extra-typings";
import type { Client, Delivery, DeliveryQuery } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { integer, moment } from "../option-values.ts";
import { deliveryTable } from "../show/delivery.ts";
import { DELIVERY_STATUSES } from "../statuses.ts";

const MOST_ON_A_PAGE = 200;
export const DEFAULT_LIMIT = 20;

export function addList(parent: Parent, cli: Cli): void {
  parent
    .command("list")
    .summary("list deliveries, newest first")
    .description("Lists deliveries, newest first.")
    .option("--failed", "only failed ones; the same as --status failed")
    .addOption(
      new Option("--status <status>", "only in this state")
        .choices(DELIVERY_STATUSES)
        .conflicts("failed"),
    )
    .option("--endpoint <id>", "only to this endpoint")
    .option("--lead <id>", "only of this lead")
    .option("--event-type <type>", "only of this type")
    .option("--since <when>", "accepted at or after: 2h, 7d or a time", moment)
    .option("--until <when>", "accepted before", moment)
    .option(
      "--limit <n>",
      `at most so many, up to ${MOST_ON_A_PAGE} (default ${DEFAULT_LIMIT})`,
      integer(1, MOST_ON_A_PAGE),
    )
    .addOption(
      new Option("--all", "all of them, page by page; with --json one a line").conflicts("limit"),
    )
    .addHelpText(
      "after",
      `\n${examples(
        "pnpm wd list --failed --since 2h",
        "pnpm wd list --event-type lead.captured --limit 100",
        "pnpm --silent wd list --failed --all --json | jq -r .id",
      )}`,
    )
    .action(async (options) => {
      const query: DeliveryQuery = {
        ...(options.failed && { deliveryStatus: "failed" }),
        ...(options.status && { deliveryStatus: options.status }),
        ...(options.endpoint && { endpointId: options.endpoint }),
        ...(options.lead && { leadId: options.lead }),
        ...(options.eventType && { eventType: options.eventType }),
        ...(options.since && { since: options.since }),
        ...(options.until && { until: options.until }),
      };
      const client = cli.client();
      await (options.all
        ? listAll(client, query, cli)
        : listPage(client, { ...query, limit: options.limit ?? DEFAULT_LIMIT }, cli));
    });
}

async function listPage(client: Client, query: DeliveryQuery, cli: Cli): Promise<void> {
  const { output, signal } = cli;
  const page = await client.deliveries.list(query, { signal });
  output.json(page);
  if (output.isJson) return;
  if (page.deliveries.length === 0) return output.note("No deliveries.");
  show(page.deliveries, cli);
  if (page.nextCursor === null) return;
  const total = `${page.total}${page.totalIsCapped === true ? " or more" : ""}`;
  output.note(`${page.deliveries.length} of ${total}; more with --limit or --all.`);
}

async function listAll(client: Client, query: DeliveryQuery, cli: Cli): Promise<void> {
  const { output, signal } = cli;
  let count = 0;
  let chunk: Delivery[] = [];
  const flush = (): void => {
    if (!output.isJson && chunk.length > 0) show(chunk, cli, count === chunk.length);
    chunk = [];
  };
  const all = client.deliveries.iterate({ ...query, limit: MOST_ON_A_PAGE }, { signal });
  for await (const delivery of all) {
    count += 1;
    output.jsonLine(delivery);
    if (output.isJson) continue;
    chunk.push(delivery);
    if (chunk.length === MOST_ON_A_PAGE) flush();
  }
  flush();
  if (count === 0) output.note("No deliveries.");
}

function show(deliveries: readonly Delivery[], { output }: Cli, hasHeading = true): void {
  const { columns, paint } = output;
  output.lines(deliveryTable(deliveries, { now: new Date(), paint, columns, hasHeading }));
}
