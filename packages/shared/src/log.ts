/** Structured logs. A line never holds a secret, a payload or a URL's query string: callers pass ids. */
import pino, { type Logger } from "pino";
import type { LogLevel } from "./config.ts";

export type { Logger } from "pino";

export function createLog(processName: string, level: LogLevel): Logger {
  return pino({
    level,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  });
}

/**
 * What is safe to know of an error: database drivers hang the statement's parameters, and HTTP clients
 * the whole request, on their errors.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: "a value that is no Error was thrown" };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  const cause = error.cause === undefined ? undefined : describeError(error.cause);
  return { name, message, stack, ...(code !== undefined && { code }), ...(cause && { cause }) };
}
