/**
 * Request bodies that come with a Content-Encoding (RFC 9110 §8.4). One of the usual codings is undone,
 * to no more bytes than a body may have without it: what would become larger is refused before it has.
 * Any other coding, and several at once, are refused with 415 and the list of those that are taken.
 */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, type InputType } from "node:zlib";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";

type Decoder = (bytes: InputType, options: { maxOutputLength: number }) => Promise<Buffer>;

const decodeGzip: Decoder = promisify(gunzip);
const decodeBrotli: Decoder = promisify(brotliDecompress);
const inflateZlib: Decoder = promisify(inflate);
const inflateBare: Decoder = promisify(inflateRaw);

/** Some senders leave out the wrapping that RFC 9110 §8.4.1.2 asks for. */
const decodeDeflate: Decoder = async (bytes, options) => {
  const [first = 0, second = 0] = bytes as Buffer;
  const isWrapped = (first & 0x0f) === 8 && ((first << 8) + second) % 31 === 0;
  return isWrapped ? inflateZlib(bytes, options) : inflateBare(bytes, options);
};

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ["gzip", decodeGzip],
  ["x-gzip", decodeGzip],
  ["deflate", decodeDeflate],
  ["br", decodeBrotli],
]);

export const ACCEPTED_CODINGS = "gzip, deflate, br, identity";

/** `header`: Content-Encoding. Throws `unsupported_media_type`, `payload_too_large` and the like. */
export async function decompress(
  bytes: Buffer,
  header: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const codings = (header ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  const [coding, ...more] = codings;
  if (coding === undefined) return bytes;
  const decoder = DECODERS.get(coding);
  if (decoder === undefined || more.length > 0) {
    throw new DomainError(
      "unsupported_media_type",
      `The body may be sent as it is, or with one Content-Encoding of: ${ACCEPTED_CODINGS}.`,
      [{ field: "headers.content-encoding", message: `must be one of: ${ACCEPTED_CODINGS}` }],
    );
  }
  try {
    return await decoder(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      const message = `The body may have ${maxBytes} bytes, also once it is decompressed.`;
      throw new DomainError("payload_too_large", message);
    }
    throw new DomainError("invalid_content_encoding", `The body is not valid ${coding}.`, [
      { field: "body", message: `cannot be decompressed as ${coding}` },
    ]);
  }
}
