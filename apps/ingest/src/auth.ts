/**
 * Who is calling. `Authorization: Bearer KEY` or `X-API-Key: KEY`. Operators' keys come from the
 * environment and are compared by their hashes in constant time; clients' keys are looked up by their
 * hash, each time, so that a revoked one ends at once. Routes are closed unless their config says
 * `isPublic`, and closed to clients if it says `isForOperators`. Pages that people open in a browser
 * also take the key as the password of HTTP Basic, which is how a browser can ask for it; no other
 * route does, because a browser sends those credentials along with what any page makes it request.
 */
import { timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { hashApiKey } from "@webhook-delivery/shared/core/api-key.ts";
import { requireOperator, type Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { findHolderOfKey } from "@webhook-delivery/shared/db/api-keys.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { withinDeadline } from "./deadline.ts";
import type { KeyLimit } from "./request-limits.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers without a key. */
    isPublic?: boolean;
    /** Answers 403 to a client's key. */
    isForOperators?: boolean;
    /** Only reads, and is for people too: takes the key as the password of HTTP Basic. */
    isForBrowsers?: boolean;
  }
  interface FastifyRequest {
    /** Not there on public routes. */
    caller: Caller;
  }
}

export const BEARER = /^Bearer +(\S+) *$/i;
const BASIC = /^Basic +(\S+) *$/i;

export const BEARER_CHALLENGE = 'Bearer realm="webhook-delivery"';
const BASIC_CHALLENGE = 'Basic realm="webhook-delivery", charset="UTF-8"';

/** As long as any answer may take: no bound of a route holds yet. */
const LOOKUP_TIMEOUT_MS = 5_000;

export interface AuthDeps {
  readonly sql: Sql;
  /** Of one key, unless it has a limit of its own; 0: none. */
  readonly requestsPerSecond: number;
  /** The operators'. */
  readonly apiKeys: readonly string[];
}

interface Identified {
  readonly caller: Caller;
  readonly keyLimit: KeyLimit;
}

export function requireApiKey(app: FastifyInstance, deps: AuthDeps): void {
  const { sql, apiKeys, requestsPerSecond } = deps;
  const known = apiKeys.map(hashApiKey);
  const identify = async (apiKey: string): Promise<Identified | undefined> => {
    const keyHash = hashApiKey(apiKey);
    const key = keyHash.toString("base64");
    if (isKnown(known, keyHash)) {
      return { caller: { kind: "operator" }, keyLimit: { key, perSecond: requestsPerSecond } };
    }
    const holder = await withinDeadline(findHolderOfKey(sql, keyHash), LOOKUP_TIMEOUT_MS);
    if (holder === undefined) return undefined;
    const perSecond = holder.requestsPerSecond ?? requestsPerSecond;
    const caller = { kind: "client", clientId: holder.clientId } as const;
    return { caller, keyLimit: { key, perSecond } };
  };
  app.addHook("onRequest", async (request, reply) => {
    const { config } = request.routeOptions;
    if (config.isPublic === true) return;
    const isForBrowsers = config.isForBrowsers === true;
    const key = presentedKey(request) ?? (isForBrowsers ? passwordOf(request) : undefined);
    const identified = key === undefined ? undefined : await identify(key);
    if (identified !== undefined) {
      request.keyLimit = identified.keyLimit;
      request.caller = identified.caller;
      if (config.isForOperators === true) requireOperator(identified.caller);
      return;
    }
    reply.header(
      "www-authenticate",
      isForBrowsers ? [BEARER_CHALLENGE, BASIC_CHALLENGE] : BEARER_CHALLENGE,
    );
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

/** RFC 7617 §2: base64 of `user:password`, where the user's name holds no colon. */
function passwordOf({ headers }: FastifyRequest): string | undefined {
  const encoded = BASIC.exec(headers.authorization ?? "")?.[1] ?? "";
  const credentials = Buffer.from(encoded, "base64").toString("utf8");
  const colon = credentials.indexOf(":");
  return colon === -1 ? undefined : credentials.slice(colon + 1) || undefined;
}

function isKnown(known: readonly Buffer[], presented: Buffer): boolean {
  let found = false;
  // Every key is compared, so that the time tells nothing of which one is near.
  for (const key of known) found = timingSafeEqual(key, presented) || found;
  return found;
}
