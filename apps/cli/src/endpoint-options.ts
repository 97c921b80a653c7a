/** What an endpoint can be given, when it is made and when it is changed, as options and as the API's fields. */
import { Option } from "@commander-js/extra-typings";
import type { EndpointPatch, NewEndpoint } from "@webhook-delivery/client";
import type { Surroundings } from "./cli.ts";
import { readHeaders, type HeaderOptions } from "./headers-input.ts";
import { readJson } from "./json-input.ts";
import {
  collect,
  integer,
  listOf,
  MOST_ATTEMPTS,
  positiveNumber,
  spanMs,
  spansMs,
} from "./option-values.ts";

const MOST_IN_FLIGHT = 1_000;
const MS_PER_SECOND = 1_000;

export const OPTIONS = {
  name: new Option("--name <name>", "to tell it by"),
  eventTypes: new Option(
    "--event-types <types>",
    "exact types and prefix.*, with commas; '': all",
  ).argParser(listOf),
  sources: new Option(
    "--sources <sources>",
    "only events of these sources, with commas; '': all",
  ).argParser(listOf),
  format: new Option("--format <name>", "auto (default), standard, raw, zapier, make, …"),
  header: new Option(
    "--header <header>",
    "'name: value', sent with each delivery; may be repeated (seen in the process list: see --headers)",
  ).argParser(collect),
  headers: new Option(
    "--headers <json>",
    'the same as JSON, {"name":"value"}; @file reads a file, - reads standard input',
  ),
  maxAttempts: new Option("--max-attempts <n>", `1 to ${MOST_ATTEMPTS}`).argParser(
    integer(1, MOST_ATTEMPTS),
  ),
  waits: new Option("--waits <spans>", "before attempts 2, 3, …, with commas: 5s,25s,2m").argParser(
    spansMs,
  ),
  timeout: new Option("--timeout <span>", "of one attempt: 5s, 30s").argParser(spanMs),
  rateLimit: new Option("--rate-limit <n>", "deliveries per second").argParser(positiveNumber),
  maxInFlight: new Option("--max-in-flight <n>", "deliveries at once").argParser(
    integer(1, MOST_IN_FLIGHT),
  ),
  ordered: new Option("--ordered", "one delivery at a time, in the order of acceptance"),
  metadata: new Option("--metadata <json>", "an object of your own; @file, - as above"),
} as const;

export interface EndpointOptions extends HeaderOptions {
  readonly name?: string | undefined;
  readonly eventTypes?: readonly string[] | undefined;
  readonly sources?: readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly maxAttempts?: number | undefined;
  readonly waits?: readonly number[] | undefined;
  readonly timeout?: number | undefined;
  readonly rateLimit?: number | undefined;
  readonly maxInFlight?: number | undefined;
  readonly ordered?: boolean | undefined;
  readonly metadata?: string | undefined;
}

type Format = NonNullable<NewEndpoint["format"]>;
type Metadata = NonNullable<NewEndpoint["metadata"]>;

/** Only what was given. */
export async function endpointFields(
  options: EndpointOptions,
  { readStdin }: Pick<Surroundings, "readStdin">,
): Promise<Omit<NewEndpoint & EndpointPatch, "url" | "secret" | "enabled">> {
  const { name, eventTypes, sources, format, maxAttempts, waits, timeout, ordered } = options;
  const { rateLimit, maxInFlight, metadata } = options;
  const headers = await readHeaders(options, readStdin);
  return {
    ...(name !== undefined && { name }),
    ...(eventTypes !== undefined && { eventTypes }),
    ...(sources !== undefined && { sources }),
    // Which there are, the service knows.
    ...(format !== undefined && { format: format as Format }),
    ...(headers !== undefined && { headers }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(waits !== undefined && { retryScheduleSeconds: waits.map((ms) => ms / MS_PER_SECOND) }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(rateLimit !== undefined && { rateLimitPerSecond: rateLimit }),
    ...(maxInFlight !== undefined && { maxInFlight }),
    ...(ordered !== undefined && { ordered }),
    ...(metadata !== undefined && {
      metadata: (await readJson({ option: "--metadata", text: metadata }, readStdin)) as Metadata,
    }),
  };
}
