/** The one place where an error becomes an answer. A 5xx tells nothing of what happened inside. */
import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  DomainError,
  ERROR_STATUS,
  type ErrorCode,
  type ErrorDetail,
} from "@webhook-delivery/shared/core/errors.ts";
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import { DeadlineError } from "./deadline.ts";

/** How long a caller is asked to wait when we cannot take its request. */
const RETRY_AFTER_SECONDS = 2;

export function errorBody(code: string, message: string, details: readonly ErrorDetail[] = []) {
  return {
    status: "error" as const,
    error: { code, message, ...(details.length > 0 && { details }) },
  };
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") await discardBody(request.raw);
    return answerError(error, request, reply);
  });
  app.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send(errorBody("not_found", "There is nothing at this path.")),
  );
}

export function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const domainError = toDomainError(error);
  if (domainError !== undefined) {
    const { code, message, details } = domainError;
    return reply.code(ERROR_STATUS[code]).send(errorBody(code, message, details));
  }
  if (isDatabaseUnavailable(error) || error instanceof DeadlineError) {
    request.log.warn({ event: "request.unavailable", err: error }, "the database is not reachable");
    return reply
      .code(503)
      .header("retry-after", RETRY_AFTER_SECONDS)
      .send(errorBody("unavailable", "The service cannot take requests right now; try again."));
  }
  request.log.error({ event: "request.failed", err: error }, "our own fault");
  return reply.code(500).send(errorBody("internal_error", "Something went wrong on our side."));
}

/** A caller that sends more than this, or for longer, finds its connection closed. */
const MOST_DISCARDED_BYTES = 64 * 1024 * 1024;
const LONGEST_DISCARD_MS = 5_000;

/**
 * Reads a refused body to its end. A client that is still writing when we answer and close sees a
 * broken pipe instead of our 413.
 */
async function discardBody(body: IncomingMessage): Promise<void> {
  let left = MOST_DISCARDED_BYTES;
  const tooMuch = new AbortController();
  body.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) tooMuch.abort();
  });
  const signal = AbortSignal.any([tooMuch.signal, AbortSignal.timeout(LONGEST_DISCARD_MS)]);
  // Whatever ends the reading, the answer is the same.
  await finished(body, { signal, cleanup: true }).catch(() => {});
}

const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "payload_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_ERR_CTP_EMPTY_JSON_BODY: "invalid_json",
  FST_ERR_BAD_URL: "not_found",
  FST_ERR_MAX_PARAM_LENGTH: "not_found",
};

function toDomainError(error: FastifyError): DomainError | undefined {
  if (error instanceof DomainError) return error;
  if (error.validation !== undefined) {
    const details = error.validation.map(({ instancePath, message = "is not valid", params }) => ({
      field: fieldPath(error.validationContext, instancePath, params),
      message,
    }));
    return new DomainError("invalid_request", "The request does not fit the API.", details);
  }
  const code = FASTIFY_CODES[error.code];
  if (code !== undefined) return new DomainError(code, error.message);
  const isCallersFault = error.statusCode !== undefined && error.statusCode < 500;
  return isCallersFault ? new DomainError("invalid_request", error.message) : undefined;
}

function fieldPath(
  context: string | undefined,
  instancePath: string,
  params: Record<string, unknown> | undefined,
): string {
  const missing = params?.["missingProperty"];
  const path = `${context ?? "body"}${instancePath.replaceAll("/", ".")}`;
  return typeof missing === "string" ? `${path}.${missing}` : path;
}
