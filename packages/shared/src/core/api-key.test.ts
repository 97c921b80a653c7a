import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { API_KEY_BYTES, formatApiKey, hashApiKey, startOfApiKey } from "./api-key.ts";

describe("an API key", () => {
  it("is its bytes in base64url after a prefix", () => {
    expect(formatApiKey(Buffer.alloc(API_KEY_BYTES, 0xff))).toBe(`wd_${"_".repeat(42)}8`);
  });

  it("is 43 characters long after the prefix and fits a header", () => {
    expect(formatApiKey(randomBytes(API_KEY_BYTES))).toMatch(/^wd_[\w-]{43}$/);
  });

  it("is told from others by its start, which leaves 38 characters to guess", () => {
    const key = formatApiKey(randomBytes(API_KEY_BYTES));
    expect(key.startsWith(startOfApiKey(key))).toBe(true);
    expect(startOfApiKey(key)).toHaveLength(8);
  });

  it("is kept as its SHA-256", () => {
    // FIPS 180-2, appendix B.1.
    expect(hashApiKey("abc").toString("hex")).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});
