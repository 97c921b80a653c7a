/** What options may hold: each parser refuses, in words, what its option cannot mean. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { isIdempotencyKey } from "@webhook-delivery/client";
import { parseMoment, parseSpanMs } from "./text/times.ts";

/** Of a round, as the service allows it. */
export const MOST_ATTEMPTS = 10;

export function integer(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
}

export function idempotencyKey(text: string): string {
  if (isIdempotencyKey(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 255 printable ASCII characters.");
}

/** In milliseconds. */
export function spanMs(text: string): number {
  const ms = parseSpanMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("It must be a span such as 30s, 5m, 2h or 7d.");
}

/** `5s,25s,2m`, each in milliseconds. */
export function spansMs(text: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), ...listOf(text, undefined).map(spanMs)];
}

/** As the API takes it. */
export function moment(text: string): string {
  const at = parseMoment(text, new Date());
  if (at !== undefined) return at.toISOString();
  throw new InvalidArgumentError(
    "It must be a span back from now (2h, 7d) or a time (2026-11-21, 2026-11-21T10:00:00Z).",
  );
}

/** `a,b` and repetition mean the same. */
export function listOf(text: string, before: readonly string[] | undefined): readonly string[] {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return [...(before ?? []), ...entries];
}

export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
