/**
 * Reads a JSON body and keeps its text beside the value: payloads are passed on as they were spelled.
 * What PostgreSQL could not hold or what nests absurdly deep is refused here, before any route.
 */
import type { FastifyInstance } from "fastify";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { nestingDepth } from "@webhook-delivery/shared/core/json-text.ts";
import { findUnstorableText } from "@webhook-delivery/shared/core/storable-text.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came; empty without one. */
    bodyText: string;
  }
}

/** Deeper than any real payload; PostgreSQL and V8 both recurse over what they are given. */
const MAX_JSON_DEPTH = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

export function acceptJsonBodies(app: FastifyInstance): void {
  app.decorateRequest("bodyText", "");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(?:[\w.-]+\+)?json(?:;|$)/,
    { parseAs: "buffer" },
    async (request: { bodyText: string }, bytes: Buffer) => {
      if (bytes.length === 0) return undefined;
      request.bodyText = decode(bytes);
      return parse(request.bodyText);
    },
  );
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new DomainError("invalid_utf8", "The body is not valid UTF-8.");
  }
}

function parse(text: string): unknown {
  if (nestingDepth(text) > MAX_JSON_DEPTH) {
    throw new DomainError("json_too_deep", `JSON may nest ${MAX_JSON_DEPTH} levels deep.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DomainError("invalid_json", "The body is not valid JSON.");
  }
  refuseUnstorableText(value, "body");
  return value;
}

/** Throws `invalid_text` when PostgreSQL could not hold, or be asked for, some text in `value`. */
export function refuseUnstorableText(value: unknown, path: string): void {
  const field = findUnstorableText(value, path);
  if (field === undefined) return;
  throw new DomainError("invalid_text", "Text may not hold U+0000 or half a surrogate pair.", [
    { field, message: "cannot be stored" },
  ]);
}
