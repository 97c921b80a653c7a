/**
 * Who is calling. `Authorization: Bearer KEY` or `X-API-Key: KEY`. Operators' keys come from the
 * environment and are compared by their hashes in constant time; clients' keys are looked up by their
 * hash, each time, so that a revoked one ends at once. Routes are closed unless their config says
 * `isPublic`, and closed to clients if it says `isForOperators`.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { requireOperator, type Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { findClientOfKey } from "@webhook-delivery/shared/db/api-keys.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { withinDeadline } from "./deadline.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers without a key. */
    isPublic?: boolean;
    /** Answers 403 to a client's key. */
    isForOperators?: boolean;
  }
  interface FastifyRequest {
    /** Not there on public routes. */
    caller: Caller;
  }
}

const BEARER = /^Bearer +(\S+) *$/i;

/** As long as any answer may take: no bound of a route holds yet. */
const LOOKUP_TIMEOUT_MS = 5_000;

export interface AuthDeps {
  readonly sql: Sql;
  /** The operators'. */
  readonly apiKeys: readonly string[];
}

export function requireApiKey(app: FastifyInstance, { sql, apiKeys }: AuthDeps): void {
  const known = apiKeys.map(hashKey);
  const identify = async (key: string): Promise<Caller | undefined> => {
    const keyHash = hashKey(key);
    if (isKnown(known, keyHash)) return { kind: "operator" };
    const clientId = await withinDeadline(findClientOfKey(sql, keyHash), LOOKUP_TIMEOUT_MS);
    return clientId === undefined ? undefined : { kind: "client", clientId };
  };
  app.addHook("onRequest", async (request, reply) => {
    const { config } = request.routeOptions;
    if (config.isPublic === true) return;
    const key = presentedKey(request);
    const caller = key === undefined ? undefined : await identify(key);
    if (caller !== undefined) {
      if (config.isForOperators === true) requireOperator(caller);
      request.caller = caller;
      return;
    }
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

/** How a key is stored and compared. */
export function hashKey(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
