/**
 * Every answer carries `x-request-id`, and the same id stands in every line that the log has about the
 * request, at least in the one that says how it was answered. A caller's own id is taken over when it is
 * one word of usual characters: it goes into logs, and into the tools that read them.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";

export const REQUEST_ID_HEADER = "x-request-id";
const SANE = /^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$/;

export function requestIdOf({ headers }: Pick<IncomingMessage, "headers">): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === "string" && SANE.test(given) ? given : randomUUID();
}

/** Before all other hooks: whatever they refuse is answered with it too. */
export function showRequestIds(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
  });
  app.addHook("onResponse", async ({ routeOptions, method, log }, reply) => {
    const { url: route = "unknown", config } = routeOptions;
    // Probes come every few seconds, and say nothing as long as all is well.
    const isProbe = config.isProbe === true && reply.statusCode < 400;
    const answered = {
      event: "request.answered",
      method,
      route,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    };
    if (isProbe) log.debug(answered);
    else log.info(answered);
  });
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Called again and again by machines that watch: answered without a line in the log. */
    isProbe?: boolean;
  }
}
