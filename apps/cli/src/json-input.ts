/** JSON that is given on the command line: as it is, from a file (`@file`), or from standard input (`-`). */
import { readFile } from "node:fs/promises";
import { parseExactly } from "@webhook-delivery/shared/core/exact-json.ts";
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

/**
 * Numbers keep their spelling when the result is written as JSON again: the service sends a payload on as
 * it was spelled, so `1.0` and 20 digits must not be lost on the way to it.
 */
export function parseJson({ option, text, isSecret = false }: JsonInput): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    const why = isSecret ? "" : ` (${(error as Error).message})`;
    throw usageFailure(`${option} is no JSON${why}. Give JSON, @file, or - for standard input.`);
  }
}
