/**
 * So many requests per second of one API key, counted by each process for itself: enough to keep one
 * caller from crowding out the others. Deliveries have limits of their own (RATE_LIMIT_PER_SECOND).
 * By the seconds of a clock, so that what is remembered is as long as one of them.
 *
 * Not @fastify/rate-limit: its store in memory (11.2) hands out a counter that others go on counting
 * before it is read, and of 30 requests at once with a limit of 3 it let 1 through.
 */
import type { FastifyInstance } from "fastify";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set with the caller; null on public routes. */
    keyLimit: KeyLimit | null;
  }
}

export interface KeyLimit {
  /** Whose requests count together: the key's hash. */
  readonly key: string;
  /** 0: any number. */
  readonly perSecond: number;
}

const MS_PER_SECOND = 1_000;
const RETRY_AFTER_SECONDS = 1;

/** After the hook that says who is calling; what is refused is not parsed. */
export function limitRequests(app: FastifyInstance, now: () => number = Date.now): void {
  let second = 0;
  let counts = new Map<string, number>();
  app.decorateRequest("keyLimit", null);
  app.addHook("preParsing", async ({ keyLimit }, reply) => {
    if (keyLimit === null || keyLimit.perSecond === 0) return;
    const { key, perSecond } = keyLimit;
    const current = Math.floor(now() / MS_PER_SECOND);
    if (current !== second) {
      second = current;
      counts = new Map();
    }
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= perSecond) return;
    reply.header("retry-after", RETRY_AFTER_SECONDS);
    throw new DomainError("rate_limited", `This key may make ${perSecond} requests per second.`);
  });
}
