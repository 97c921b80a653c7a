/**
 * What is kept of an answer: bounded in size and fit for a text column (no U+0000, no lone surrogate).
 */
import type { Dispatcher } from "undici";
import { firstCharacters } from "../core/first-characters.ts";

const MAX_HEADERS = 64;
const MAX_HEADER_CHARACTERS = 8_192;
/** Kept however many headers stand before it: the retry decision reads it. */
const FIRST_HEADER = "retry-after";
/** Stands for the headers that were left out. Not a valid header name, so no receiver can send it. */
const OMITTED_KEY = "(omitted)";
const MAX_ENCODING_CHARACTERS = 40;
/** The longest UTF-8 sequence. */
const BYTES_PER_CHARACTER = 4;

export function keepHeaders(headers: Dispatcher.ResponseData["headers"]): Record<string, string> {
  const entries = Object.entries(headers)
    .map(([name, value]): [string, string] => [cleanText(name), cleanText(joinValues(value))])
    .sort(([a], [b]) => Number(b === FIRST_HEADER) - Number(a === FIRST_HEADER));
  const kept: [string, string][] = [];
  let characters = 0;
  for (const [name, value] of entries) {
    characters += name.length + value.length;
    if (kept.length === MAX_HEADERS || characters > MAX_HEADER_CHARACTERS) break;
    kept.push([name, value]);
  }
  const omitted = entries.length - kept.length;
  if (omitted > 0) kept.push([OMITTED_KEY, `${omitted} more headers`]);
  return Object.fromEntries(kept);
}

/**
 * Reads until `limit` characters are certain, the body ends, or it fails (reset, timeout); whatever was
 * read by then is the body. `isComplete` says that it ended by itself within the limit.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<{ readonly bytes: Uint8Array; readonly isComplete: boolean }> {
  const maxBytes = limit * BYTES_PER_CHARACTER;
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isComplete = true;
  try {
    for await (const chunk of body) {
      chunks.push(Uint8Array.from(chunk.subarray(0, maxBytes - length)));
      length += chunk.length;
      if (length <= maxBytes) continue;
      isComplete = false;
      break;
    }
  } catch {
    // The status line has decided already: a body cut short changes nothing.
    isComplete = false;
  }
  return { bytes: Buffer.concat(chunks), isComplete };
}

/** At most `limit` characters (code points, as PostgreSQL counts them). */
export function keepText(
  bytes: Uint8Array,
  contentEncoding: string | string[] | undefined,
  limit: number,
): string {
  const encoding = encodingName(contentEncoding);
  if (encoding !== "identity" && bytes.length > 0) {
    return firstCharacters(`[${encoding} body, not decoded]`, limit);
  }
  return firstCharacters(cleanText(new TextDecoder().decode(bytes)), limit);
}

/** Not decoded on purpose: a few bytes of gzip can stand for gigabytes. */
function encodingName(contentEncoding: string | string[] | undefined): string {
  const name = joinValues(contentEncoding).trim().toLowerCase();
  if (name === "") return "identity";
  return name.replaceAll(/[^a-z0-9, -]/g, "?").slice(0, MAX_ENCODING_CHARACTERS);
}

/** PostgreSQL's text and jsonb hold neither U+0000 nor lone surrogates. */
function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

function joinValues(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}
