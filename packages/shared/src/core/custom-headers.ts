/**
 * Headers that an endpoint's owner adds to its deliveries. They are secrets (most carry a token), so
 * their values are stored encrypted and shown as a mask. What frames the request, says what the body is
 * or proves where it comes from is ours and cannot be set.
 */
import { DomainError } from "./errors.ts";

/** Lower-case names. */
export type CustomHeaders = Readonly<Record<string, string>>;

/** Shown instead of a value; sent back by a caller it means "as it is". */
export const MASKED_VALUE = "***";

const MOST_HEADERS = 50;
const MOST_CHARACTERS = 8_192;
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/;
/** RFC 9110 §5.5 without obs-text, which receivers read in different encodings. */
const VALUE = /^[\t\x20-\x7e]*$/;

const OURS: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "user-agent",
]);
const OUR_PREFIXES = ["webhook-", "x-webhook-", "proxy-"];

/**
 * Checks what a caller gave; `kept` are the values that a mask stands for. Throws `invalid_headers`
 * with the name of the header, never its value.
 */
export function readCustomHeaders(
  given: Readonly<Record<string, string>>,
  kept: CustomHeaders = {},
): CustomHeaders {
  const headers = new Map<string, string>();
  for (const [spelled, given_] of Object.entries(given)) {
    const name = spelled.toLowerCase();
    if (!TOKEN.test(name)) throw refuse(spelled, "is not a header name");
    if (OURS.has(name) || OUR_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      throw refuse(spelled, "is set by the service itself");
    }
    if (headers.has(name)) throw refuse(spelled, "is given twice");
    const value = given_ === MASKED_VALUE ? (kept[name] ?? given_) : given_.trim();
    if (!VALUE.test(value)) throw refuse(spelled, "has a value with characters outside ASCII text");
    headers.set(name, value);
  }
  const size = [...headers].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (headers.size > MOST_HEADERS || size > MOST_CHARACTERS) {
    const problem = `at most ${MOST_HEADERS} headers of ${MOST_CHARACTERS} characters in all`;
    throw new DomainError("invalid_headers", "The headers are too many or too long.", [
      { field: "body.headers", message: problem },
    ]);
  }
  return Object.fromEntries(headers);
}

function refuse(name: string, problem: string): DomainError {
  const shown = JSON.stringify(name.slice(0, 128));
  return new DomainError("invalid_headers", `The header ${shown} ${problem}.`, [
    { field: "body.headers", message: `${shown} ${problem}` },
  ]);
}

export function maskHeaders(names: readonly string[]): CustomHeaders {
  return Object.fromEntries(names.map((name) => [name, MASKED_VALUE]));
}
