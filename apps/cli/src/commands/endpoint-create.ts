/** `wd endpoints create`. */
import type { NewEndpoint } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { examples } from "../help.ts";
import { integer, listOf, positiveNumber, spanMs } from "../option-values.ts";
import { describeEndpoint, secretLines } from "../show/endpoint.ts";

type Format = NonNullable<NewEndpoint["format"]>;

const MOST_ATTEMPTS = 10;
const MOST_IN_FLIGHT = 1_000;

export function addEndpointCreate(parent: Parent, cli: Cli): void {
  parent
    .command("create")
    .summary("register a receiver; prints its secret, once")
    .description(
      "Registers a receiver. Its secret is printed now and never again. Here --url is the receiver's: the service's stands before the command, or in WEBHOOK_DELIVERY_URL.",
    )
    .requiredOption("--url <url>", "where its deliveries go")
    .option("--name <name>", "to tell it by")
    .option("--event-types <types>", "exact types and prefix.*, with commas; default: all", listOf)
    .option("--sources <sources>", "only events of these sources, with commas", listOf)
    .option("--secret <secret>", "a secret of your own; default: a new one")
    .option("--format <name>", "auto (default), standard, raw, zapier, make, …")
    .option("--max-attempts <n>", `1 to ${MOST_ATTEMPTS}`, integer(1, MOST_ATTEMPTS))
    .option("--timeout <span>", "of one attempt: 5s, 30s", spanMs)
    .option("--rate-limit <n>", "deliveries per second", positiveNumber)
    .option("--max-in-flight <n>", "deliveries at once", integer(1, MOST_IN_FLIGHT))
    .option("--ordered", "one delivery at a time, in the order of acceptance")
    .option("--disabled", "without enabling it")
    .addHelpText(
      "after",
      `\n${examples(
        "pnpm wd endpoints create --url https://example.com/hook --name Orders",
        "pnpm wd endpoints create --url http://localhost:4000/ --event-types 'message.*'",
      )}`,
    )
    .action(async (options) => {
      const { url, name, eventTypes, sources, secret, timeout, rateLimit } = options;
      const body: NewEndpoint = {
        url,
        ...(name !== undefined && { name }),
        ...(eventTypes !== undefined && { eventTypes }),
        ...(sources !== undefined && { sources }),
        ...(secret !== undefined && { secret }),
        // Which there are, the service knows.
        ...(options.format !== undefined && { format: options.format as Format }),
        ...(options.maxAttempts !== undefined && { maxAttempts: options.maxAttempts }),
        ...(timeout !== undefined && { timeoutMs: timeout }),
        ...(rateLimit !== undefined && { rateLimitPerSecond: rateLimit }),
        ...(options.maxInFlight !== undefined && { maxInFlight: options.maxInFlight }),
        ...(options.ordered && { ordered: true }),
        ...(options.disabled && { enabled: false }),
      };
      const { output, signal } = cli;
      const created = await cli.client().endpoints.create(body, { signal });
      output.json(created);
      const { paint } = output;
      output.lines([
        ...describeEndpoint(created.endpoint, { paint, now: new Date() }),
        ...secretLines(created.secret),
      ]);
    });
}
