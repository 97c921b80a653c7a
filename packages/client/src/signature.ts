/** HMAC-SHA256 with Web Crypto, as the service signs, and comparing in constant time. */
import { WebhookVerificationError } from "./verification-error.ts";

const STANDARD_PREFIX = "whsec_";
// RFC 4648 §4 with its padding, as the service takes it: no two spellings give one key.
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export type Bytes = Uint8Array<ArrayBuffer>;
/** CryptoKey, by a name that needs neither the DOM's types nor Node's. */
export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const encoder = new TextEncoder();

/** Base64 has no white space in it; a pasted secret may. */
const BLANK = /[\s\u200B-\u200D\u2060\uFEFF]/gu;

/** `whsec_` + base64 (also as `v1,whsec_…`) is decoded, any other secret is its UTF-8 bytes. */
export async function importSecret(secret: string): Promise<Key> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", keyBytes(secret), hmac, false, ["sign"]);
}

function keyBytes(secret: unknown): Bytes {
  if (typeof secret !== "string" || secret === "") {
    throw new WebhookVerificationError("invalid_secret", "The secret is empty.");
  }
  const compact = secret.replaceAll(BLANK, "").replace(/^v1,(?=whsec_)/, "");
  if (!compact.startsWith(STANDARD_PREFIX)) return encoder.encode(secret);
  const encoded = compact.slice(STANDARD_PREFIX.length);
  if (encoded === "" || !BASE64.test(encoded)) {
    const message = "What follows whsec_ in the secret is not base64 with its padding.";
    throw new WebhookVerificationError("invalid_secret", message);
  }
  return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
}

export async function sign(key: Key, content: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, content));
}

export function base64(bytes: Bytes): string {
  return btoa(String.fromCharCode(...bytes));
}

export function hex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Takes as long for any two texts of one length; only the length, which is no secret, shows. */
export function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let index = 0; index < one.length; index++) {
    difference |= one.charCodeAt(index) ^ other.charCodeAt(index);
  }
  return difference === 0;
}

/** Takes bytes as they are and text as UTF-8. Throws TypeError for anything else, such as parsed JSON. */
export function bytesOf(body: unknown): Bytes {
  if (typeof body === "string") return encoder.encode(body);
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.byteLength);
  }
  // By its tag: one that another realm has made is no instance of ours.
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") {
    return new Uint8Array(body as ArrayBuffer);
  }
  throw new TypeError("verify needs the body as it came, as text or bytes, before it is parsed");
}
