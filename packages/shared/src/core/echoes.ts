/**
 * Receivers echo what they were sent, and an error of a vendor's may quote the token that it refuses: what
 * is kept of an answer must not hold the secrets of its request.
 */
import type { AttemptResult } from "./attempt-result.ts";
import { MASKED_VALUE } from "./custom-headers.ts";

/** Shorter ones stand in any text. */
const SHORTEST_MASKED = 8;

/** `secrets`: as they were sent; of several words, such as `Bearer TOKEN`, each counts too. */
export function withoutEchoes(result: AttemptResult, secrets: readonly string[]): AttemptResult {
  if (result.kind !== "response") return result;
  const spelled = secrets
    .flatMap((secret) => [secret, ...secret.split(" ")])
    .filter((secret) => secret.length >= SHORTEST_MASKED)
    // A longer one may hold a shorter one.
    .toSorted((a, b) => b.length - a.length);
  const body = spelled.reduce(
    (masked, secret) => masked.replaceAll(secret, MASKED_VALUE),
    result.body,
  );
  return { ...result, body };
}
