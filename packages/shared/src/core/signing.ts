/**
 * The two signatures a receiver can check: Standard Webhooks 1.0.0 over `id.timestamp.body`, and a
 * plain one over the body alone. Several secrets sign side by side while a rotation lasts.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from "node:crypto";
import { DomainError } from "./errors.ts";

export interface SignedContent {
  readonly id: string;
  /** Unix seconds of this attempt. */
  readonly timestamp: number;
  /** The bytes that are sent, exactly. */
  readonly body: string;
}

const STANDARD_PREFIX = "whsec_";
// RFC 4648 §4 with its padding, so that no two spellings give one key.
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How others write a symmetric secret, Supabase among them: with the version of the signature. */
const VERSIONED = /^v1,(?=whsec_)/;
/** Of Standard Webhooks too, for signatures of another kind (v1a): a private and a public key. */
const ASYMMETRIC = /^(?:v1a,)?(?:whsk|whpk)_/;
/** What comes along from a page or a file that a secret is copied from; also what nobody sees. */
const BLANK = /[\s\u200B-\u200D\u2060\uFEFF]/gu;
const EDGES = /^[\s\u200B-\u200D\u2060\uFEFF]+|[\s\u200B-\u200D\u2060\uFEFF]+$/gu;

/**
 * A `whsec_` secret as it is meant: without `v1,` and without white space, which base64 has none of. Any
 * other secret is every byte of it.
 */
export function readSecret(secret: string): string {
  const compact = secret.replaceAll(BLANK, "").replace(VERSIONED, "");
  return compact.startsWith(STANDARD_PREFIX) ? compact : secret;
}

/** `whsec_` + base64 is decoded, any other secret is its UTF-8 bytes. Undefined: not a usable secret. */
export function keyBytes(secret: string): Buffer | undefined {
  const meant = readSecret(secret);
  if (!meant.startsWith(STANDARD_PREFIX)) {
    return meant === "" ? undefined : Buffer.from(meant, "utf8");
  }
  const encoded = meant.slice(STANDARD_PREFIX.length);
  if (encoded === "" || !BASE64.test(encoded)) return undefined;
  return Buffer.from(encoded, "base64");
}

/** Shorter ones are typing errors more often than secrets; Standard Webhooks asks for 24 bytes. */
const SHORTEST_KEY_BYTES = 4;

/**
 * The secret as it is meant. Throws `invalid_request`, naming `field` and not the secret, when it cannot
 * sign, or when it was hardly meant as it stands: the receiver's copy would be another one.
 */
export function checkSigningSecret(secret: string, field: string): string {
  const problem = problemOf(secret);
  if (problem === undefined) return readSecret(secret);
  throw new DomainError("invalid_request", "The webhook secret cannot be used to sign.", [
    { field, message: problem },
  ]);
}

function problemOf(secret: string): string | undefined {
  const meant = readSecret(secret);
  const standardAt = meant.toLowerCase().lastIndexOf(STANDARD_PREFIX);
  if (standardAt > 0) return "whsec_ stands inside of it: give one secret, with nothing around it";
  if (standardAt === 0 && !meant.startsWith(STANDARD_PREFIX)) return "whsec_ must be in lower case";
  if (ASYMMETRIC.test(meant)) {
    return "is a key for asymmetric signatures (v1a), which are not made here: give a whsec_ secret";
  }
  if (standardAt === -1 && meant.replaceAll(EDGES, "") !== meant) {
    return "begins or ends with white space: leave it out, here and at the receiver";
  }
  if (standardAt === -1 && /\p{Cc}/u.test(meant)) {
    return "has a line break or another control character in it";
  }
  const key = keyBytes(meant);
  if (key === undefined) return "what follows whsec_ must be base64 with its padding";
  return key.length < SHORTEST_KEY_BYTES
    ? `must be ${SHORTEST_KEY_BYTES} bytes or longer`
    : undefined;
}

/** Header values of one attempt; undefined without a secret, since an empty key would prove nothing. */
export function sign(
  content: SignedContent,
  secrets: readonly string[],
): { readonly standard: string; readonly plain: string } | undefined {
  const keys = secrets.map(requireKeyBytes);
  const [newest] = keys;
  if (newest === undefined) return undefined;
  const signedText = `${content.id}.${content.timestamp}.${content.body}`;
  return {
    standard: keys.map((key) => `v1,${hmac(key, signedText, "base64")}`).join(" "),
    plain: `sha256=${hmac(newest, content.body, "hex")}`,
  };
}

function requireKeyBytes(secret: string): Buffer {
  const key = keyBytes(secret);
  if (key === undefined) throw new Error("a stored secret is not usable as a signing key");
  return key;
}

function hmac(key: Buffer, text: string, encoding: "base64" | "hex"): string {
  return createHmac("sha256", key).update(text, "utf8").digest(encoding);
}
