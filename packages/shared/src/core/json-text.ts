/**
 * Looks at JSON as text, for what a parsed value no longer tells: how deep it nests, and the exact
 * characters of one member or element. A payload is sent as its caller spelled it (`1.0`, key order, a 20-digit
 * number), which `JSON.stringify(JSON.parse(text))` would change.
 *
 * The text must have passed JSON.parse; this finds its way only through valid JSON.
 */
import { DomainError } from "./errors.ts";
import { parseExactly } from "./exact-json.ts";

/** Deeper than any real payload; PostgreSQL and V8 both recurse over what they are given. */
export const MAX_JSON_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Deepest nesting of arrays and objects; 0 for a scalar. */
export function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "{" || char === "[") deepest = Math.max(deepest, ++depth);
    else if (char === "}" || char === "]") depth--;
  }
  return deepest;
}

/** Throws `json_too_deep`. */
export function refuseDepth(text: string, maxDepth = MAX_JSON_DEPTH): void {
  if (nestingDepth(text) <= maxDepth) return;
  throw new DomainError("json_too_deep", `JSON may nest ${maxDepth} levels deep.`);
}

/**
 * To be shown in an answer, its numbers as they are spelled; what nests deeper than it may stays text,
 * which can be written.
 */
export function parseToShow(text: string): unknown {
  return nestingDepth(text) <= MAX_JSON_DEPTH ? parseExactly(text) : text;
}

/**
 * The source text of the member `name` of the object that starts at `start` (the text's first
 * character by default), without surrounding white space. Of several members with that name the last
 * one counts, as in JSON.parse.
 */
export function memberText(text: string, name: string, start = 0): string | undefined {
  let found: string | undefined;
  for (const [key, from, to] of members(text, start)) {
    if (key === name) found = text.slice(from, to);
  }
  return found;
}

/** The source texts of the elements of the array that `text` is, without surrounding white space. */
export function elementTexts(text: string): string[] {
  const found: string[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== "[") return found;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== "]") {
    const to = endOfValue(text, at);
    found.push(text.slice(at, to));
    at = skipSpace(text, to);
    if (text[at] !== ",") break;
    at = skipSpace(text, at + 1);
  }
  return found;
}

/** Key, start and end of every member of the object at `start`. */
function* members(text: string, start: number): Generator<[string, number, number]> {
  let at = skipSpace(text, start);
  if (text[at] !== "{") return;
  at = skipSpace(text, at + 1);
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at) + 1;
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const from = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const to = endOfValue(text, from);
    yield [key, from, to];
    at = skipSpace(text, to);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start) + 1;
  if (first !== "{" && first !== "[") return endOfScalar(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return at + 1;
  }
  return text.length;
}

function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !",]} \t\n\r".includes(text[at] as string)) at++;
  return at;
}

/** Index of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) {
    at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  }
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\n\r".includes(text[at] as string)) at++;
  return at;
}
