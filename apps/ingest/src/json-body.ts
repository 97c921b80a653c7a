/**
 * Reads a JSON body and keeps its text beside the value: payloads are passed on as they were spelled.
 * What PostgreSQL could not hold or what nests absurdly deep is refused here, before any route.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { decompress } from "./compressed-body.ts";
import { findJsonFault } from "@webhook-delivery/shared/core/json-fault.ts";
import { refuseDepth } from "@webhook-delivery/shared/core/json-text.ts";
import { findUnstorableText } from "@webhook-delivery/shared/core/storable-text.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came; empty without one. */
    bodyText: string;
  }
  interface FastifyContextConfig {
    /** The route judges what it uses of the body by itself (`refuseUnfit`); the rest may be anything. */
    checksItself?: boolean;
  }
}

/** Of what a route judges by itself; parsing millions of levels would take seconds. */
const MAX_DEPTH_UNJUDGED = 10_000;

const utf8 = new TextDecoder("utf-8", { fatal: true });

export function acceptJsonBodies(app: FastifyInstance): void {
  app.decorateRequest("bodyText", "");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(?:[\w.-]+\+)?json(?:;|$)/,
    { parseAs: "buffer" },
    async (request: FastifyRequest, sent: Buffer) => {
      if (sent.length === 0) return undefined;
      const { headers, routeOptions } = request;
      const coding = headers["content-encoding"];
      const text = decode(await decompress(sent, coding, routeOptions.bodyLimit));
      request.bodyText = text;
      if (request.routeOptions.config.checksItself === true) {
        refuseDepth(text, MAX_DEPTH_UNJUDGED);
        return parse(text);
      }
      refuseDepth(text);
      const value = parse(text);
      refuseUnstorableText(value, "body");
      return value;
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
  try {
    return JSON.parse(text);
  } catch {
    const fault = findJsonFault(text);
    if (fault === undefined) throw new DomainError("invalid_json", "The body is not valid JSON.");
    const message = `line ${fault.line}, column ${fault.column}: ${fault.message}`;
    throw new DomainError("invalid_json", `The body is not valid JSON: ${message}.`, [
      { field: "body", message },
    ]);
  }
}

/** Throws `json_too_deep` or `invalid_text`, as for a body that is `value`, parsed from `text`. */
export function refuseUnfit(value: unknown, text: string): void {
  refuseDepth(text);
  refuseUnstorableText(value, "body");
}

/** Throws `invalid_text` when PostgreSQL could not hold, or be asked for, some text in `value`. */
export function refuseUnstorableText(value: unknown, path: string): void {
  const field = findUnstorableText(value, path);
  if (field === undefined) return;
  throw new DomainError("invalid_text", "Text may not hold U+0000 or half a surrogate pair.", [
    { field, message: "cannot be stored" },
  ]);
}
