/**
 * Secrets at rest: AES-256-GCM, bound to the place they stand in, so that a ciphertext copied to
 * another row or column does not decrypt. The first key encrypts, any key decrypts: that is how a key
 * is rotated.
 *
 * Layout of a box: version (1 byte) · key id (4) · nonce (12) · tag (16) · ciphertext.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

export interface EncryptionKey {
  readonly id: Buffer;
  readonly bytes: Buffer;
}

/** Where a secret stands, e.g. `webhook_deliveries/<id>/secret`. */
export type SecretPlace = `${string}/${string}/${string}`;

export function secretPlace(deliveryId: string): SecretPlace {
  return `webhook_deliveries/${deliveryId}/secret`;
}

export function endpointPlace(
  endpointId: string,
  what: "secrets" | "headers" | "tls",
): SecretPlace {
  return `webhook_endpoints/${endpointId}/${what}`;
}

const VERSION = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

/** Undefined unless `text` is the base64 of exactly 32 bytes. */
export function parseEncryptionKey(text: string): EncryptionKey | undefined {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== KEY_BYTES || bytes.toString("base64") !== text) return undefined;
  return { bytes, id: createHash("sha256").update(bytes).digest().subarray(0, KEY_ID_BYTES) };
}

/** How every box begins that this key sealed. */
export function boxStart(key: EncryptionKey): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), key.id]);
}

/** `nonce`: 12 random bytes, never used twice with one key. */
export function seal(
  keys: readonly [EncryptionKey, ...EncryptionKey[]],
  place: SecretPlace,
  plaintext: string,
  nonce: Buffer,
): Buffer {
  const [key] = keys;
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce);
  cipher.setAAD(Buffer.from(place, "utf8"));
  const ciphertext = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return Buffer.concat([boxStart(key), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Throws when no key fits or the box was changed or moved; the message holds nothing of the secret. */
export function open(keys: readonly EncryptionKey[], place: SecretPlace, box: Buffer): string {
  if (box.length < HEADER_BYTES || box[0] !== VERSION) {
    throw new Error(`the secret at ${place} is not in a known format`);
  }
  const keyId = box.subarray(1, 1 + KEY_ID_BYTES);
  const key = keys.find((candidate) => candidate.id.equals(keyId));
  if (key === undefined) {
    throw new Error(`no key in ENCRYPTION_KEY decrypts the secret at ${place}`);
  }
  const nonce = box.subarray(1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key.bytes, nonce);
  decipher.setAAD(Buffer.from(place, "utf8"));
  decipher.setAuthTag(box.subarray(HEADER_BYTES - TAG_BYTES, HEADER_BYTES));
  const ciphertext = box.subarray(HEADER_BYTES);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
}
