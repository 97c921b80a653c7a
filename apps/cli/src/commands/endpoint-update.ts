/** `wd endpoints update`. */
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { EndpointPatch } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { endpointFields, OPTIONS } from "../endpoint-options.ts";
import { usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { listOf } from "../option-values.ts";
import { describeEndpoint } from "../show/endpoint.ts";

/** By the names of the options that set them. */
const UNSET = {
  name: { name: null },
  headers: { headers: null },
  "max-attempts": { maxAttempts: null },
  waits: { retryScheduleSeconds: null },
  timeout: { timeoutMs: null },
  "rate-limit": { rateLimitPerSecond: null },
  "max-in-flight": { maxInFlight: null },
  metadata: { metadata: null },
} as const satisfies Readonly<Record<string, EndpointPatch>>;

type Unset = keyof typeof UNSET;
const UNSETTABLE = Object.keys(UNSET).join(", ");

export function addEndpointUpdate(parent: Parent, cli: Cli): void {
  parent
    .command("update")
    .summary("change it: its URL, name, event types, headers, …")
    .description(
      "Changes what is given and leaves the rest. --header and --headers replace all headers; the value *** keeps one as it is. Here --url is the receiver's: the service's stands before the command, or in WEBHOOK_DELIVERY_URL.",
    )
    .argument("<id>", "of the endpoint")
    .option("--url <url>", "where its deliveries go")
    .addOption(OPTIONS.name)
    .addOption(OPTIONS.eventTypes)
    .addOption(OPTIONS.sources)
    .addOption(OPTIONS.format)
    .addOption(OPTIONS.header)
    .addOption(OPTIONS.headers)
    .addOption(OPTIONS.maxAttempts)
    .addOption(OPTIONS.waits)
    .addOption(OPTIONS.timeout)
    .addOption(OPTIONS.rateLimit)
    .addOption(OPTIONS.maxInFlight)
    .addOption(OPTIONS.ordered)
    .option("--no-ordered", "several deliveries at a time, in any order")
    .addOption(OPTIONS.metadata)
    .option("--enabled", "enable it; `endpoints enable` also says what it missed")
    .addOption(
      new Option("--disabled", "disable it: what is pending for it fails").conflicts("enabled"),
    )
    .option("--unset <what>", `back to none or the default, with commas: ${UNSETTABLE}`, unsetOf)
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd endpoints update ID --name Orders --event-types 'order.*'",
        "npx -y pnpm@12 wd endpoints update ID --header 'x-make-apikey: …' --unset rate-limit,timeout",
      )}`,
    )
    .action(async (id, { url, enabled, disabled, unset = [], ...options }) => {
      const patch: EndpointPatch = {
        ...(await endpointFields(options, cli.surroundings)),
        ...(url !== undefined && { url }),
        ...(enabled && { enabled: true }),
        ...(disabled && { enabled: false }),
      };
      const removed: EndpointPatch = Object.assign({}, ...unset.map((what) => UNSET[what]));
      const both = Object.keys(removed).find((field) => field in patch);
      if (both !== undefined) throw usageFailure(`${both}: either a value or --unset.`);
      const change = { ...patch, ...removed };
      if (Object.keys(change).length === 0) {
        throw usageFailure("What should change? Give at least one option.");
      }
      const { output, signal } = cli;
      const endpoint = await cli.client().endpoints.update(id, change, { signal });
      output.json(endpoint);
      output.lines(describeEndpoint(endpoint, { paint: output.paint, now: new Date() }));
    });
}

function unsetOf(text: string, before: readonly Unset[] | undefined): readonly Unset[] {
  const given = listOf(text, before);
  if (given.every(isUnset)) return given;
  throw new InvalidArgumentError(`It must be some of ${UNSETTABLE}.`);
}

function isUnset(name: string): name is Unset {
  return name in UNSET;
}
