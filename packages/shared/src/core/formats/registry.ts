/** The one list of formats. `auto` is resolved when a delivery is accepted and is never stored. */
import type { Format } from "./format.ts";
import { raw } from "./raw.ts";
import { standard } from "./standard.ts";

export const FORMATS = { standard, raw } as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
export type RequestedFormat = FormatName | "auto";

export const REQUESTED_FORMATS: readonly RequestedFormat[] = [
  "auto",
  ...(Object.keys(FORMATS) as FormatName[]),
];

export function resolveFormat(requested: RequestedFormat): FormatName {
  return requested === "auto" ? "standard" : requested;
}
