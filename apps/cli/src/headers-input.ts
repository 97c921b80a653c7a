/**
 * Headers that an endpoint's deliveries carry: `--header 'name: value'`, or `--headers` as JSON where
 * nobody else may read them. Most hold a token, so no message repeats what was given.
 */
import { isObject } from "@webhook-delivery/shared/core/exact-json.ts";
import { usageFailure } from "./failure.ts";
import { readJson } from "./json-input.ts";

export interface HeaderOptions {
  readonly header?: readonly string[] | undefined;
  /** JSON, `@file` or `-`. */
  readonly headers?: string | undefined;
}

type Headers = Readonly<Record<string, string>>;

/** Undefined: none were given. The same name twice, in any spelling, is refused. */
export async function readHeaders(
  { header, headers: text }: HeaderOptions,
  readStdin: () => Promise<string>,
): Promise<Headers | undefined> {
  if (header === undefined && text === undefined) return undefined;
  const ofJson = text === undefined ? [] : Object.entries(await readObject(text, readStdin));
  const all = [...ofJson, ...(header ?? []).map(parseHeader)];
  const names = all.map(([name]) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usageFailure(`The header ${twice} is given twice.`);
  return Object.fromEntries(all);
}

async function readObject(text: string, readStdin: () => Promise<string>): Promise<Headers> {
  const value = await readJson({ option: "--headers", text, isSecret: true }, readStdin);
  if (isHeaders(value)) return value;
  throw usageFailure('--headers must be one JSON object of texts: {"name":"value"}.');
}

function isHeaders(value: unknown): value is Headers {
  return isObject(value) && Object.values(value).every((one) => typeof one === "string");
}

function parseHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon)).trim();
  if (name === "") throw usageFailure("--header must be 'name: value'.");
  return [name, line.slice(colon + 1).trim()];
}
