/**
 * Receivers echo what they were sent, and an error of a vendor's may quote the token that it refuses: what
 * is kept of an answer must not hold the secrets of its request, in its body or its headers.
 */
import type { AttemptResult } from "./attempt-result.ts";
import { MASKED_VALUE } from "./custom-headers.ts";

/** Shorter ones stand in any text. */
const SHORTEST_MASKED = 8;
/** Of one that begins where the text was cut. */
const SHORTEST_BEGINNING = 6;

/** `secrets`: as they were sent; of several words, such as `Bearer TOKEN`, each counts too. */
export function withoutEchoes(result: AttemptResult, secrets: readonly string[]): AttemptResult {
  if (result.kind !== "response") return result;
  const spelled = [...new Set(secrets.flatMap(wordsOf).flatMap(spellingsOf))]
    // A longer one may hold a shorter one.
    .toSorted((a, b) => b.length - a.length);
  const mask = (text: string): string =>
    withoutBeginning(
      spelled.reduce((masked, secret) => masked.replaceAll(secret, MASKED_VALUE), text),
      spelled,
    );
  const headers = Object.entries(result.headers).map(([name, value]) => [name, mask(value)]);
  return {
    ...result,
    headers: Object.fromEntries(headers) as typeof result.headers,
    body: mask(result.body),
  };
}

/** What a URL hides where it is shown, its query string, as its receiver may repeat it. */
export function secretsIn(url: string): readonly string[] {
  const { search, searchParams } = new URL(url);
  const raw = search.slice(1).split("&");
  const values = raw.map((pair) => pair.slice(pair.indexOf("=") + 1));
  return [...values, ...searchParams.values()];
}

function wordsOf(secret: string): readonly string[] {
  return [secret, ...secret.split(" ")].filter((word) => word.length >= SHORTEST_MASKED);
}

/** As it was sent, and as JSON (some escape the slash) and URLs spell it. */
function spellingsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, json, json.replaceAll("/", "\\/"), encodeURIComponent(secret.toWellFormed())];
}

/** Only the beginning of an answer is read: where it was cut there may be the beginning of a secret. */
function withoutBeginning(text: string, secrets: readonly string[]): string {
  for (const secret of secrets) {
    const most = Math.min(secret.length - 1, text.length);
    for (let length = most; length >= SHORTEST_BEGINNING; length--) {
      if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + MASKED_VALUE;
    }
  }
  return text;
}
