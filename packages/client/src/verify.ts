/**
 * The receiver's side: did this come from the service, unchanged, and just now?
 *
 * Standard Webhooks 1.0.0 signs `id.timestamp.body`. The plain family (`x-webhook-signature`) signs the
 * body alone: its timestamp is checked but could have been changed by whoever has seen the request. So
 * where any `webhook-` header is present the standard family decides, and nothing falls back.
 * `eventType` and `attempt` come from headers that neither family signs.
 */
import {
  base64,
  bytesOf,
  hex,
  importSecret,
  isSameText,
  sign,
  type Bytes,
  type Key,
} from "./signature.ts";
import { WebhookVerificationError } from "./verification-error.ts";
import { headerReader, type ReadHeader, type WebhookHeaders } from "./webhook-headers.ts";

export { WebhookVerificationError, type VerificationErrorCode } from "./verification-error.ts";
export type { WebhookHeaders } from "./webhook-headers.ts";

export interface VerifyOptions {
  /** How far the timestamp may be from now, either way. Default 300. */
  readonly toleranceSeconds?: number;
  /** Default: the time of the call. */
  readonly now?: Date;
  /** Refuse what has the plain signature alone. Default false. */
  readonly requireStandard?: boolean;
}

export interface VerifiedWebhook {
  /**
   * The same on every attempt: what was handled once need not be handled again. `webhook-id`; in the
   * plain family, which signs no id, the signature, which is the same for the same body.
   */
  readonly id: string;
  readonly timestamp: Date;
  readonly eventType: string | null;
  readonly attempt: number | null;
  /** The parsed body. */
  readonly payload: unknown;
}

/** What one family says: what was signed, and which values would be right for it. */
interface Claim {
  /** Null: it signs none. */
  readonly id: string | null;
  readonly timestamp: string;
  readonly content: Bytes;
  readonly signatures: readonly string[];
  readonly spell: (signature: Bytes) => string;
}

const DEFAULT_TOLERANCE_SECONDS = 300;
const STANDARD_HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;
const PLAIN_HEADERS = ["x-webhook-signature", "x-webhook-timestamp"] as const;

/**
 * Rejects with WebhookVerificationError unless a signature was made with one of the secrets over exactly
 * these bytes and the timestamp is near. `rawBody` is the body as it came, before it is parsed.
 */
export async function verify(
  rawBody: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  options: VerifyOptions = {},
): Promise<VerifiedWebhook> {
  const body = bytesOf(rawBody);
  const header = headerReader(headers);
  const keys = await importSecrets(secret);
  const claim = claimOf(header, body, options.requireStandard === true);
  const timestamp = checkTimestamp(claim.timestamp, options);
  const signature = await findMatch(claim, keys);
  const attempt = header("x-webhook-attempt") ?? "";
  return {
    id: claim.id ?? signature,
    timestamp,
    eventType: header("x-webhook-event") ?? null,
    attempt: /^\d{1,9}$/.test(attempt) ? Number(attempt) : null,
    payload: parse(body),
  };
}

async function importSecrets(secret: string | readonly string[]): Promise<Key[]> {
  const secrets = Array.isArray(secret) ? (secret as readonly string[]) : [secret as string];
  if (secrets.length > 0) return Promise.all(secrets.map(importSecret));
  throw new WebhookVerificationError("invalid_secret", "There is no secret to check with.");
}

function claimOf(header: ReadHeader, body: Bytes, requireStandard: boolean): Claim {
  const isThere = (name: string) => header(name) !== undefined;
  // Where there is nothing at all, the standard headers are what is missing.
  const isPlain = !STANDARD_HEADERS.some(isThere) && PLAIN_HEADERS.some(isThere);
  if (requireStandard || !isPlain) {
    const [id, timestamp, signatures] = requireAll(header, STANDARD_HEADERS);
    const prefix = new TextEncoder().encode(`${id}.${timestamp}.`);
    const content = new Uint8Array(prefix.length + body.length);
    content.set(prefix);
    content.set(body, prefix.length);
    const spell = (signature: Bytes) => `v1,${base64(signature)}`;
    return { id, timestamp, content, signatures: signatures.split(/,? +/), spell };
  }
  const [signatures, timestamp] = requireAll(header, PLAIN_HEADERS);
  const spell = (signature: Bytes) => `sha256=${hex(signature)}`;
  return { id: null, timestamp, content: body, signatures: signatures.split(/[ ,]+/), spell };
}

function requireAll<const Names extends readonly string[]>(
  header: ReadHeader,
  names: Names,
): { readonly [Index in keyof Names]: string } {
  const missing = names.filter((name) => !header(name));
  if (missing.length > 0) {
    const message = `The request has no ${missing.join(", ")}: it was not signed.`;
    throw new WebhookVerificationError("missing_headers", message);
  }
  return names.map((name) => header(name) ?? "") as { readonly [Index in keyof Names]: string };
}

function checkTimestamp(text: string, { toleranceSeconds, now }: VerifyOptions): Date {
  const tolerance = toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
  const nowSeconds = Math.floor((now ?? new Date()).getTime() / 1_000);
  // Compared with, they would let everything through.
  if (!(tolerance >= 0)) throw new TypeError("toleranceSeconds must be 0 or more");
  if (Number.isNaN(nowSeconds)) throw new TypeError("now must be a time");
  if (!/^\d{1,12}$/.test(text)) {
    throw new WebhookVerificationError("invalid_timestamp", "The timestamp is not a Unix time.");
  }
  const seconds = Number(text);
  if (nowSeconds - seconds > tolerance) {
    throw new WebhookVerificationError("timestamp_too_old", "The timestamp is too long ago.");
  }
  if (seconds - nowSeconds > tolerance) {
    throw new WebhookVerificationError("timestamp_too_new", "The timestamp is in the future.");
  }
  return new Date(seconds * 1_000);
}

/** The signature that is right; every pair is compared, whichever it is. */
async function findMatch(claim: Claim, keys: readonly Key[]): Promise<string> {
  let found: string | undefined;
  for (const key of keys) {
    const expected = claim.spell(await sign(key, claim.content));
    for (const given of claim.signatures) if (isSameText(given, expected)) found ??= expected;
  }
  if (found !== undefined) return found;
  const message = "No signature fits: another secret, or the body is not the one that was signed.";
  throw new WebhookVerificationError("no_matching_signature", message);
}

function parse(body: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new WebhookVerificationError("invalid_json", "The signature is right, the body no JSON.");
  }
}
