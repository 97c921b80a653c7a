/**
 * Routes for machines that have one secret of their own instead of an API key. Without a secret in the
 * environment such a route answers like a path that does not exist.
 */
import { timingSafeEqual } from "node:crypto";
import type { onRequestAsyncHookHandler } from "fastify";
import { hashApiKey } from "@webhook-delivery/shared/core/api-key.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { BEARER, BEARER_CHALLENGE } from "./auth.ts";
import { nothingHere } from "./errors.ts";

/** A hook for before the body is read. */
export function requireSecret(secret: string | null): onRequestAsyncHookHandler {
  const known = secret === null ? undefined : hashApiKey(secret);
  return async ({ headers }, reply) => {
    if (known === undefined) throw nothingHere();
    const presented = BEARER.exec(headers.authorization ?? "")?.[1] ?? "";
    if (timingSafeEqual(known, hashApiKey(presented))) return;
    reply.header("www-authenticate", BEARER_CHALLENGE);
    throw new DomainError("unauthorized", "Send this route's secret as `Authorization: Bearer …`.");
  };
}
