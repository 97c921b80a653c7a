/** `wd send`: one delivery, to a URL or to a registered endpoint. */
import { Option } from "@commander-js/extra-typings";
import type { NewDelivery } from "@webhook-delivery/client";
import type { Cli, Parent } from "../cli.ts";
import { usageFailure } from "../failure.ts";
import { examples } from "../help.ts";
import { readJson } from "../json-input.ts";
import { idempotencyKey, integer, MOST_ATTEMPTS, spanMs } from "../option-values.ts";
import { SECRET_VARIABLE, secretOfEnvironment } from "../secret.ts";
import { followDelivery } from "./follow-delivery.ts";

type Format = NonNullable<NewDelivery["format"]>;
/** Whether it is an object, the service says. */
type Fields = Readonly<Record<string, unknown>>;

export function addSend(parent: Parent, cli: Cli): void {
  parent
    .command("send")
    .summary("send a webhook to a URL or an endpoint")
    .description(
      "Sends a webhook: a payload, a lead or a sample, to a URL or a registered endpoint.",
    )
    .optionsGroup("Where to:")
    .option("--to <url>", "a URL")
    .option(
      "--secret <secret>",
      `signs what goes to --to (${SECRET_VARIABLE}); without it nothing is signed`,
    )
    .addOption(
      new Option("--endpoint <id>", "a registered endpoint, with its own URL and secret").conflicts(
        ["to", "secret"],
      ),
    )
    .optionsGroup("What:")
    .option("--payload <json>", "any JSON; @file reads a file, - reads standard input")
    .option("--lead <id>", "a lead that the service knows")
    .addOption(new Option("--test", "a sample lead").conflicts(["payload", "lead"]))
    .option("--event-type <type>", "default: lead.captured")
    .option("--format <name>", "auto (default), standard, raw, zapier, make, …")
    .option("--campaign <name>", "name of the campaign")
    .option("--custom-fields <json>", "an object, beside those of the lead; @file, - as above")
    .option("--metadata <json>", "an object that stays with the delivery; @file, - as above")
    .optionsGroup("How:")
    .option("--max-attempts <n>", `1 to ${MOST_ATTEMPTS}`, integer(1, MOST_ATTEMPTS))
    .option(
      "--idempotency-key <key>",
      "given again with the same request, it is sent once",
      idempotencyKey,
    )
    .option("--wait", "print each attempt, until the delivery is finished; 1 when it failed")
    .option("--timeout <span>", "with --wait: give up waiting after 30s, 5m, …", spanMs)
    .optionsGroup("Options:")
    .addHelpText(
      "after",
      `\n${examples(
        "npx -y pnpm@12 wd send --to http://localhost:4000/ --test",
        "npx -y pnpm@12 wd send --to https://example.com/hook --secret whsec_… --lead test-lead-id --wait",
        `npx -y pnpm@12 wd send --endpoint ID --event-type message.received --payload '{"text":"Hello"}'`,
        "npx -y pnpm@12 wd send --to http://localhost:4000/ --payload @payload.json --format raw",
        "echo '{}' | npx -y pnpm@12 --silent wd send --to http://localhost:4000/ --payload - --json",
      )}`,
    )
    .action(async (options) => {
      const { to, secret, endpoint, lead, test, campaign, payload: payloadText } = options;
      if (to === undefined && endpoint === undefined) {
        throw usageFailure("Where to? Give --to URL or --endpoint ID.");
      }
      if (test === undefined && payloadText === undefined && lead === undefined) {
        throw usageFailure("What? Give --payload JSON, --lead ID or --test.");
      }
      if (options.timeout !== undefined && options.wait === undefined) {
        throw usageFailure("--timeout goes with --wait.");
      }
      const client = cli.client();
      const { env, readStdin } = cli.surroundings;
      const ownSecret = to === undefined ? undefined : (secret ?? secretOfEnvironment(env));
      const request: NewDelivery = {
        ...(to !== undefined && { webhookUrl: to }),
        ...(ownSecret !== undefined && { webhookSecret: ownSecret }),
        ...(endpoint !== undefined && { endpointId: endpoint }),
        ...(lead !== undefined && { leadId: lead }),
        ...(test && { test }),
        ...(campaign !== undefined && { campaignName: campaign }),
        ...(options.eventType !== undefined && { eventType: options.eventType }),
        // Which there are, the service knows.
        ...(options.format !== undefined && { format: options.format as Format }),
        ...(options.maxAttempts !== undefined && { maxAttempts: options.maxAttempts }),
        ...(await readContent(options, readStdin)),
      };
      const { output, signal } = cli;
      const accepted = await client.deliver(request, {
        signal,
        ...(options.idempotencyKey !== undefined && { idempotencyKey: options.idempotencyKey }),
      });
      output.lines([`Accepted: ${accepted.id}`]);
      if (options.wait === undefined) return output.json(accepted);
      output.json(await followDelivery(client, accepted, cli, { timeoutMs: options.timeout }));
    });
}

interface ContentOptions {
  readonly payload?: string | undefined;
  readonly customFields?: string | undefined;
  readonly metadata?: string | undefined;
}

/** The parts of a request that are JSON of the caller's, where given. */
async function readContent(
  { payload, customFields, metadata }: ContentOptions,
  readStdin: () => Promise<string>,
): Promise<Pick<NewDelivery, "payload" | "customFields" | "metadata">> {
  if ([payload, customFields, metadata].filter((text) => text === "-").length > 1) {
    throw usageFailure("Only one option can read standard input.");
  }
  const read = (option: string, text: string) => readJson({ option, text }, readStdin);
  return {
    ...(payload !== undefined && { payload: await read("--payload", payload) }),
    ...(customFields !== undefined && {
      customFields: (await read("--custom-fields", customFields)) as Fields,
    }),
    ...(metadata !== undefined && { metadata: (await read("--metadata", metadata)) as Fields }),
  };
}
