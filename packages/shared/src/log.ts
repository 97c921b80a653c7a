/** Structured logs. A line never holds a secret, a payload or a URL's query string: callers pass ids. */
import pino, { type Logger } from "pino";
import type { LogLevel } from "./config.ts";

export type { Logger } from "pino";

export function createLog(processName: string, level: LogLevel): Logger {
  return pino({
    level,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => describeError(error) },
  });
}

const DEEPEST_CAUSE = 5;

/**
 * What is safe to know of an error: database drivers hang the statement's parameters, and HTTP clients
 * the whole request, on their errors.
 */
function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: "a value that is no Error was thrown" };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  // An error can be its own cause.
  const isTold = error.cause === undefined || depth === DEEPEST_CAUSE;
  const cause = isTold ? undefined : describeError(error.cause, depth + 1);
  return { name, message, stack, ...(code !== undefined && { code }), ...(cause && { cause }) };
}
