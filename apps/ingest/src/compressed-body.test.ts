import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decompress } from "./compressed-body.ts";

const BODY = Buffer.from(`{"text":"${"é".repeat(100)}"}`);
const LIMIT = 1_000;

describe("a compressed body", () => {
  it.each([
    ["gzip", gzipSync(BODY)],
    ["GZIP", gzipSync(BODY)],
    ["x-gzip", gzipSync(BODY)],
    ["gzip, identity", gzipSync(BODY)],
    ["deflate", deflateSync(BODY)],
    ["deflate", deflateRawSync(BODY)],
    ["br", brotliCompressSync(BODY)],
    ["identity", BODY],
    ["", BODY],
    [undefined, BODY],
  ])("is read when it comes as %s", async (coding, sent) => {
    expect(await decompress(sent, coding, LIMIT)).toEqual(BODY);
  });

  it.each(["zstd", "compress", "gzip, gzip", "br, gzip", "aes128gcm", "nonsense"])(
    "is refused when it comes as %s",
    async (coding) => {
      await expect(decompress(gzipSync(BODY), coding, LIMIT)).rejects.toMatchObject({
        code: "unsupported_media_type",
        details: [{ field: "headers.content-encoding" }],
      });
    },
  );

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["deflate", deflateRawSync],
    ["br", brotliCompressSync],
  ] as const)(
    "in %s may become no larger than one that comes as it is",
    async (coding, compress) => {
      const bomb = compress(Buffer.alloc(50_000_000, "x"));
      await expect(decompress(bomb, coding, LIMIT)).rejects.toMatchObject({
        code: "payload_too_large",
      });
      expect(await decompress(compress(Buffer.alloc(LIMIT)), coding, LIMIT)).toHaveLength(LIMIT);
    },
  );

  it.each(["gzip", "deflate", "br"])("that is no %s, or cut short, is refused", async (coding) => {
    for (const sent of [BODY, gzipSync(BODY).subarray(0, 20), Buffer.from([0x78])]) {
      await expect(decompress(sent, coding, LIMIT)).rejects.toMatchObject({
        code: "invalid_content_encoding",
      });
    }
  });
});
