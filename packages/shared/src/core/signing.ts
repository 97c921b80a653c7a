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

/** `whsec_` + base64 is decoded, any other secret is its UTF-8 bytes. Undefined: not a usable secret. */
export function keyBytes(secret: string): Buffer | undefined {
  if (!secret.startsWith(STANDARD_PREFIX)) {
    return secret === "" ? undefined : Buffer.from(secret, "utf8");
  }
  const encoded = secret.slice(STANDARD_PREFIX.length);
  if (encoded === "" || !BASE64.test(encoded)) return undefined;
  return Buffer.from(encoded, "base64");
}

/** Shorter ones are typing errors more often than secrets; Standard Webhooks asks for 24 bytes. */
const SHORTEST_KEY_BYTES = 4;

/** Throws `invalid_request`, naming `field` and not the secret, when `secret` cannot sign. */
export function checkSigningSecret(secret: string, field: string): void {
  const key = keyBytes(secret);
  if (key !== undefined && key.length >= SHORTEST_KEY_BYTES) return;
  const problem =
    key === undefined
      ? "what follows whsec_ must be base64 with its padding"
      : `must be ${SHORTEST_KEY_BYTES} bytes or longer`;
  throw new DomainError("invalid_request", "The webhook secret cannot be used to sign.", [
    { field, message: problem },
  ]);
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
