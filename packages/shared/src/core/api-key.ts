/** What clients' API keys look like, and how a key is stored and compared. */
import { createHash } from "node:crypto";

/** 256 bits: too many to guess, so a fast hash is enough to keep them. */
export const API_KEY_BYTES = 32;

const PREFIX = "wd_";
const SHOWN_CHARACTERS = 8;

/** `randomBytes`: API_KEY_BYTES of them, from a cryptographic source. */
export function formatApiKey(randomBytes: Buffer): string {
  return PREFIX + randomBytes.toString("base64url");
}

/** How the key begins: enough to tell keys apart. */
export function startOfApiKey(key: string): string {
  return key.slice(0, SHOWN_CHARACTERS);
}

export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
