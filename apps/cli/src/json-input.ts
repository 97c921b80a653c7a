/** JSON that is given on the command line: as it is, from a file (`@file`), or from standard input (`-`). */
import { readFile } from "node:fs/promises";
import { usageFailure } from "./failure.ts";

export interface JsonInput {
  readonly option: string;
  readonly text: string;
  /** No message repeats anything of it. */
  readonly isSecret?: boolean;
}

export async function readJson(
  { option, text, isSecret = false }: JsonInput,
  readStdin: () => Promise<string>,
): Promise<unknown> {
  return parseJson({ option, text: await readText({ option, text }, readStdin), isSecret });
}

async function readText(
  { option, text }: JsonInput,
  readStdin: () => Promise<string>,
): Promise<string> {
  if (text === "-") return readStdin();
  if (!text.startsWith("@")) return text;
  const path = text.slice(1);
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw usageFailure(`${option}: '${path}' cannot be read (${error.code ?? error.message}).`);
  });
}

/** Not in TypeScript's library yet: https://tc39.es/proposal-json-parse-with-source/ */
interface JsonWithSource {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: Source) => unknown): unknown;
}
interface Source {
  readonly source?: string;
}

/**
 * Numbers keep their spelling when the result is written as JSON again: the service sends a payload on as
 * it was spelled, so `1.0` and 20 digits must not be lost on the way to it.
 */
export function parseJson({ option, text, isSecret = false }: JsonInput): unknown {
  const json = JSON as unknown as JsonWithSource;
  try {
    return json.parse(text, (_key, value, { source }) =>
      typeof value === "number" && source !== undefined ? json.rawJSON(source) : value,
    );
  } catch (error) {
    const why = isSecret ? "" : ` (${(error as Error).message})`;
    throw usageFailure(`${option} is no JSON${why}. Give JSON, @file, or - for standard input.`);
  }
}
