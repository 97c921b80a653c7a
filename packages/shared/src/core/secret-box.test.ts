import { createDecipheriv, randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EncryptionKey,
  NONCE_BYTES,
  open,
  parseEncryptionKey,
  seal,
  secretPlace,
} from "./secret-box.ts";

function keyOf(fill: number): EncryptionKey {
  const key = parseEncryptionKey(Buffer.alloc(32, fill).toString("base64"));
  if (key === undefined) throw new Error("not a key");
  return key;
}

const KEY = keyOf(1);
const OTHER_KEY = keyOf(2);
const HERE = secretPlace("01890000-0000-7000-8000-000000000001");
const ELSEWHERE = secretPlace("01890000-0000-7000-8000-000000000002");
const NONCE = Buffer.alloc(NONCE_BYTES, 7);
const SECRET = "hunter2-hunter2";
/** What each way of not opening says; OpenSSL says the last. */
const REFUSAL = /not in a known format|no key in ENCRYPTION_KEY decrypts|unable to authenticate/;

const wellFormedText = fc.string({ unit: "grapheme" });

describe("seal and open", () => {
  it("give back any text from any place", () => {
    fc.assert(
      fc.property(wellFormedText, fc.uuid(), (text, id) => {
        const box = seal([KEY], secretPlace(id), text, randomBytes(NONCE_BYTES));
        expect(open([KEY], secretPlace(id), box)).toBe(text);
      }),
    );
  });

  it("seal is AES-256-GCM over the text, bound to the place", () => {
    const box = seal([KEY], HERE, SECRET, NONCE);
    expect(box[0]).toBe(1);
    expect(box.subarray(5, 17)).toEqual(NONCE);
    const decipher = createDecipheriv("aes-256-gcm", Buffer.alloc(32, 1), NONCE);
    decipher.setAAD(Buffer.from("webhook_deliveries/01890000-0000-7000-8000-000000000001/secret"));
    decipher.setAuthTag(box.subarray(17, 33));
    const text = decipher.update(box.subarray(33), undefined, "utf8") + decipher.final("utf8");
    expect(text).toBe(SECRET);
  });

  it("hide the text", () => {
    expect(seal([KEY], HERE, SECRET, NONCE).includes(Buffer.from(SECRET))).toBe(false);
  });

  it("encrypt with the first key and decrypt with any, so that a key can be rotated", () => {
    const before = seal([KEY], HERE, SECRET, NONCE);
    const rotated = [OTHER_KEY, KEY] as const;
    expect(open(rotated, HERE, before)).toBe(SECRET);
    const after = seal(rotated, HERE, SECRET, NONCE);
    expect(open([OTHER_KEY], HERE, after)).toBe(SECRET);
    expect(() => open([KEY], HERE, after)).toThrow("no key in ENCRYPTION_KEY decrypts");
  });

  it("do not open with another key or with none", () => {
    const box = seal([KEY], HERE, SECRET, NONCE);
    expect(() => open([OTHER_KEY], HERE, box)).toThrow("no key in ENCRYPTION_KEY decrypts");
    expect(() => open([], HERE, box)).toThrow("no key in ENCRYPTION_KEY decrypts");
  });

  it("do not open with a wrong key that has the right key's id", () => {
    const impostor = { id: KEY.id, bytes: OTHER_KEY.bytes };
    expect(() => open([impostor], HERE, seal([KEY], HERE, SECRET, NONCE))).toThrow(REFUSAL);
  });

  it("do not open a box that was moved to another place", () => {
    expect(() => open([KEY], ELSEWHERE, seal([KEY], HERE, SECRET, NONCE))).toThrow(REFUSAL);
  });

  it("do not open a box in which any one bit was changed", () => {
    const box = seal([KEY], HERE, SECRET, NONCE);
    fc.assert(
      fc.property(fc.nat({ max: box.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(box);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => open([KEY], HERE, changed)).toThrow(REFUSAL);
      }),
      { numRuns: 500 },
    );
  });

  it("do not open a box that was cut or extended", () => {
    const box = seal([KEY], HERE, SECRET, NONCE);
    for (let length = 0; length < box.length; length++) {
      expect(() => open([KEY], HERE, box.subarray(0, length))).toThrow(REFUSAL);
    }
    expect(() => open([KEY], HERE, Buffer.concat([box, Buffer.from([0])]))).toThrow(REFUSAL);
  });

  it("hold nothing of the secret or a key in what they throw", () => {
    const box = seal([KEY], HERE, SECRET, NONCE);
    const tampered = Buffer.from(box);
    tampered[20] = (tampered[20] ?? 0) ^ 1;
    const attempts: [readonly EncryptionKey[], typeof HERE, Buffer][] = [
      [[OTHER_KEY], HERE, box],
      [[KEY], ELSEWHERE, box],
      [[KEY], HERE, tampered],
      [[KEY], HERE, Buffer.from(SECRET)],
    ];
    for (const [keys, place, changed] of attempts) {
      const said = messageOf(() => open(keys, place, changed));
      expect(said).not.toContain(SECRET);
      expect(said).not.toContain(KEY.bytes.toString("base64"));
      expect(said).not.toContain(box.subarray(33).toString("hex"));
    }
  });
});

describe("parseEncryptionKey", () => {
  it("takes the base64 of exactly 32 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 48 }), (bytes) => {
        const key = parseEncryptionKey(Buffer.from(bytes).toString("base64"));
        expect(key?.bytes).toEqual(bytes.length === 32 ? Buffer.from(bytes) : undefined);
      }),
    );
    expect(parseEncryptionKey(Buffer.alloc(32, 9).toString("base64"))).toBeDefined();
  });

  it.each([
    "",
    "x".repeat(32),
    Buffer.alloc(31).toString("base64"),
    Buffer.alloc(33).toString("base64"),
    Buffer.alloc(32).toString("base64url"),
    Buffer.alloc(32).toString("hex"),
    ` ${Buffer.alloc(32).toString("base64")}`,
  ])("refuses %j", (text) => {
    expect(parseEncryptionKey(text)).toBeUndefined();
  });

  it("gives different keys different ids that do not reveal the key", () => {
    expect(KEY.id).not.toEqual(OTHER_KEY.id);
    expect(KEY.id).toHaveLength(4);
    expect(KEY.bytes.includes(KEY.id)).toBe(false);
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return `${String((error as Error).stack)} ${JSON.stringify(error)}`;
  }
  throw new Error("expected an error");
}
