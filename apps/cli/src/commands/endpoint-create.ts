/** `wd endpoints create`. */
import type { NewEndpoint } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { endpointFields, OPTIONS } from "../endpoint-options.ts";
import { examples } from "../help.ts";
import { SECRET_VARIABLE, secretOfEnvironment } from "../secret.ts";
import { describeEndpoint, secretLines } from "../show/endpoint.ts";

export function addEndpointCreate(parent: Parent, cli: Cli): void {
  parent
    .command("create")
    .summary("register a receiver; prints its secret, once")
    .description(
      "Registers a receiver. Its secret is printed now and never again. Here --url is the receiver's: the service's stands before the command, or in WEBHOOK_DELIVERY_URL.",
    )
    .requiredOption("--url <url>", "where its deliveries go")
    .addOption(OPTIONS.name)
    .addOption(OPTIONS.eventTypes)
    .addOption(OPTIONS.sources)
    .option("--secret <secret>", `a secret of your own (${SECRET_VARIABLE}); default: a new one`)
    .addOption(OPTIONS.format)
    .addOption(OPTIONS.header)
    .addOption(OPTIONS.headers)
    .addOption(OPTIONS.maxAttempts)
    .addOption(OPTIONS.waits)
    .addOption(OPTIONS.timeout)
    .addOption(OPTIONS.rateLimit)
    .addOption(OPTIONS.maxInFlight)
    .addOption(OPTIONS.ordered)
    .addOption(OPTIONS.metadata)
    .option("--disabled", "without enabling it")
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd endpoints create --url https://example.com/hook --name Orders",
        "npx -y pnpm@12 wd endpoints create --url http://localhost:4000/ --event-types 'message.*'",
        "npx -y pnpm@12 wd endpoints create --url https://api.kit.com/v4/forms/123/subscribers --headers @kit.json",
      )}`,
    )
    .action(async ({ url, secret: option, disabled, ...options }) => {
      const secret = option ?? secretOfEnvironment(cli.surroundings.env);
      const body: NewEndpoint = {
        ...(await endpointFields(options, cli.surroundings)),
        url,
        ...(secret !== undefined && { secret }),
        ...(disabled && { enabled: false }),
      };
      const { output, signal } = cli;
      const created = await cli.client().endpoints.create(body, { signal });
      output.json(created);
      const { paint } = output;
      output.lines([
        ...describeEndpoint(created.endpoint, { paint, now: new Date() }),
        ...secretLines(created.secret),
      ]);
      // It may have been set for something else, `listen` or `send`.
      if (option === undefined && secret !== undefined) {
        output.note(`The secret is that of ${SECRET_VARIABLE}.`);
      }
    });
}
