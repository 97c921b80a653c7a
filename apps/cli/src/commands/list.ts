/** `wd list`: deliveries, newest first. */
import { Option } from "@commander-js/extra-typings";
import type { DeliveryQuery } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { moment } from "../option-values.ts";
import { ALL_OPTION, limitOption } from "../page-options.ts";
import { deliveryTable } from "../show/delivery.ts";
import { DELIVERY_STATUSES } from "../statuses.ts";
import { printPages } from "./print-pages.ts";

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
    .addOption(limitOption(DEFAULT_LIMIT))
    .addOption(ALL_OPTION)
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd list --failed --since 2h",
        "npx -y pnpm@12 wd list --event-type lead.captured --limit 100",
        "npx -y pnpm@12 --silent wd list --failed --all --json | jq -r .id",
      )}`,
    )
    .action(async ({ limit = DEFAULT_LIMIT, all, ...options }) => {
      const query: DeliveryQuery = {
        ...(options.failed && { deliveryStatus: "failed" }),
        ...(options.status && { deliveryStatus: options.status }),
        ...(options.endpoint && { endpointId: options.endpoint }),
        ...(options.lead && { leadId: options.lead }),
        ...(options.eventType && { eventType: options.eventType }),
        ...(options.since && { since: options.since }),
        ...(options.until && { until: options.until }),
      };
      const { deliveries } = cli.client();
      const { signal } = cli;
      await printPages(cli, all, {
        name: "deliveries",
        page: () => deliveries.list({ ...query, limit }, { signal }),
        all: () => deliveries.iterate(query, { signal }),
        table: deliveryTable,
      });
    });
}
