/**
 * Who is calling. `Authorization: Bearer KEY` or `X-API-Key: KEY`; keys are compared by their hashes,
 * in constant time. Routes are closed unless their config says `isPublic`.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers without a key. */
    isPublic?: boolean;
  }
}

const BEARER = /^Bearer +(\S+) *$/i;

export function requireApiKey(app: FastifyInstance, apiKeys: readonly string[]): void {
  const known = apiKeys.map(hash);
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.isPublic === true) return;
    const key = presentedKey(request);
    if (key !== undefined && isKnown(known, hash(key))) return;
    reply.header("www-authenticate", 'Bearer realm="webhook-delivery"');
    throw new DomainError(
      "unauthorized",
      key === undefined
        ? "Send an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        : "This API key is not known.",
    );
  });
}

function presentedKey({ headers }: FastifyRequest): string | undefined {
  const bearer = BEARER.exec(headers.authorization ?? "")?.[1];
  const plain = headers["x-api-key"];
  return bearer ?? (typeof plain === "string" && plain !== "" ? plain : undefined);
}

function isKnown(known: readonly Buffer[], presented: Buffer): boolean {
  let found = false;
  // Every key is compared, so that the time tells nothing of which one is near.
  for (const key of known) found = timingSafeEqual(key, presented) || found;
  return found;
}

function hash(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
