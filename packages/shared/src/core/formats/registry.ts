/** The one list of formats. `auto` is resolved when a delivery is accepted and is never stored. */
import { convertkit } from "./convertkit.ts";
import type { Format } from "./format.ts";
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

/**
 * Who reads the answers from there: a vendor's own host speaks as that vendor whatever was sent, and a
 * format that was asked for says how any other host speaks.
 */
export function readerOf(format: FormatName, url: string): Format {
  return FORMATS[vendorOf(url) ?? format];
}

function vendorOf(url: string): FormatName | undefined {
  const host = new URL(url).hostname;
  return FORMAT_NAMES.find((name) => FORMATS[name].isFor?.(host) === true);
}
