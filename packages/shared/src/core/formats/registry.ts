/** The one list of formats. `auto` is resolved when a delivery is accepted and is never stored. */
import type { Answer, Reading } from "../reading.ts";
import { appsScript } from "./apps-script.ts";
import { convertkit } from "./convertkit.ts";
import { nameOf, type Format } from "./format.ts";
import { make } from "./make.ts";
import { raw } from "./raw.ts";
import { standard } from "./standard.ts";
import { whatsapp } from "./whatsapp.ts";
import { zapier } from "./zapier.ts";

const LIST = { standard, zapier, make, convertkit, whatsapp, raw } as const satisfies Record<
  string,
  Format
>;

export type FormatName = keyof typeof LIST;
export type RequestedFormat = FormatName | "auto";

export const FORMATS: Readonly<Record<FormatName, Format>> = LIST;
export const FORMAT_NAMES = Object.keys(LIST) as FormatName[];
export const REQUESTED_FORMATS: readonly RequestedFormat[] = ["auto", ...FORMAT_NAMES];

/** `url`: a destination as it is stored. */
export function resolveFormat(requested: RequestedFormat, url: string): FormatName {
  return requested === "auto" ? (vendorOf(url) ?? "standard") : requested;
}

/** Takes any format and answers in a way of its own. */
type Reader = Required<Pick<Format, "isFor" | "read">>;
const READERS: readonly Reader[] = [appsScript];

export interface Answered {
  readonly format: FormatName;
  readonly url: string;
  /** It went to a registered endpoint, which is one customer's. */
  readonly isEndpoint: boolean;
}

/** Whether an answer from there may mean something else than HTTP says. */
export function isReadable({ format, url }: Answered): boolean {
  return vendorOf(url) !== undefined || FORMATS[format].read !== undefined;
}

/**
 * A vendor's own host speaks as that vendor whatever was sent, and a format that was asked for says how
 * any other host speaks. A vendor's host has many customers: what one of them is asked concerns no other
 * one's deliveries there, unless it is the host itself that is ill.
 */
export function readAnswer(
  answer: Answer,
  { format, url, isEndpoint }: Answered,
): Reading | undefined {
  const vendor = vendorOf(url);
  const reading = (readerOf(url) ?? FORMATS[vendor ?? format]).read?.(answer);
  if (vendor === undefined || isEndpoint || answer.status >= 500) return reading;
  if (reading !== undefined) return { ...reading, concerns: "delivery" };
  return answer.status === 429 ? ASKED_TO_WAIT : undefined;
}

const ASKED_TO_WAIT: Reading = { isWorthRetrying: true, waitMs: 0, concerns: "delivery" };

function readerOf(url: string): Reader | undefined {
  const host = nameOf(new URL(url));
  return READERS.find(({ isFor }) => isFor(host));
}

function vendorOf(url: string): FormatName | undefined {
  const host = nameOf(new URL(url));
  return FORMAT_NAMES.find((name) => FORMATS[name].isFor?.(host) === true);
}
