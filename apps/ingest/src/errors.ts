/** The one place where an error becomes an answer. A 5xx tells nothing of what happened inside. */
import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from "fastify";
import {
  DomainError,
  ERROR_STATUS,
  type ErrorCode,
  type ErrorDetail,
} from "@webhook-delivery/shared/core/errors.ts";
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import { ACCEPTED_CODINGS } from "./compressed-body.ts";
import { DeadlineError } from "./deadline.ts";
import { misfitOfRequest } from "./misfit.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";

/** How long a caller is asked to wait when we cannot take its request. */
const RETRY_AFTER_SECONDS = 2;

export function errorBody(code: string, message: string, details: readonly ErrorDetail[] = []) {
  return {
    status: "error" as const,
    error: { code, message, ...(details.length > 0 && { details }) },
  };
}

export function nothingHere(): DomainError {
  return new DomainError("not_found", "There is nothing at this path.");
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") await discardBody(request.raw);
    const isMisfit = error.validation !== undefined;
    return answerError(isMisfit ? misfitOfRequest(request) : error, request, reply);
  });
  app.setNotFoundHandler(async (request, reply) => answerError(nothingHere(), request, reply));
}

export function answerError(
  error: FastifyError | DomainError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, code, message, details } = explainError(error, request.log);
  reply.header(REQUEST_ID_HEADER, request.id);
  if (status === 503) reply.header("retry-after", RETRY_AFTER_SECONDS);
  // RFC 9110 §15.5.16; harmless where the content type was the reason.
  if (status === 415) reply.header("accept-encoding", ACCEPTED_CODINGS);
  return reply.code(status).send(errorBody(code, message, details));
}

/** What a caller is told of `error`, and what the log is. */
export function explainError(error: unknown, log: FastifyBaseLogger) {
  const domainError = toDomainError(error as FastifyError);
  if (domainError !== undefined) {
    const { code, message, details } = domainError;
    return { status: ERROR_STATUS[code], code, message, details };
  }
  if (isDatabaseUnavailable(error) || error instanceof DeadlineError) {
    log.warn({ event: "request.unavailable", err: error }, "the database cannot take this now");
    const message = "The service cannot take requests right now; try again.";
    return { status: 503, code: "unavailable", message, details: [] };
  }
  log.error({ event: "request.failed", err: error }, "our own fault");
  const message = "Something went wrong on our side.";
  return { status: 500, code: "internal_error", message, details: [] };
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

/** Where the framework's own words do not say what to do. */
const WORDS: Partial<Readonly<Record<ErrorCode, string>>> = {
  unsupported_media_type: "The body must be JSON: send content-type: application/json.",
};

function toDomainError(error: FastifyError): DomainError | undefined {
  if (error instanceof DomainError) return error;
  const code = FASTIFY_CODES[error.code];
  if (code !== undefined) return new DomainError(code, WORDS[code] ?? error.message);
  const isCallersFault = error.statusCode !== undefined && error.statusCode < 500;
  return isCallersFault ? new DomainError("invalid_request", error.message) : undefined;
}
