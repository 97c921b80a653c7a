/** Every way a command can go wrong, as the words, the code and the exit code it ends with. */
import { WebhookDeliveryConnectionError, WebhookDeliveryError } from "@webhook-delivery/client";
import { EXIT, type ExitCode } from "./exit-codes.ts";

interface FailureDetail {
  readonly field: string;
  readonly message: string;
}

/** What a command throws that knows how it wants to end. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(exitCode: ExitCode, code: string, message: string) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

export const usageFailure = (message: string): Failure => new Failure(EXIT.usage, "usage", message);

export interface ToldFailure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
  readonly details: readonly FailureDetail[];
  /** What to do about it; for people only. */
  readonly hint?: string;
}

const FIRST_SERVER_ERROR = 500;

const HINTS: Readonly<Record<string, string>> = {
  unauthorized: "Set WEBHOOK_DELIVERY_API_KEY to a key that this service knows.",
  rate_limited: "This key makes too many requests per second: try again, more slowly.",
};

/** `url`: of the service, when it is known. */
export function tellFailure(error: unknown, url: string | undefined): ToldFailure {
  if (error instanceof Failure) {
    return { exitCode: error.exitCode, code: error.code, message: error.message, details: [] };
  }
  if (error instanceof WebhookDeliveryError) {
    const { status, code, reason: message, details } = error;
    const hint = HINTS[code];
    const exitCode = status >= FIRST_SERVER_ERROR ? EXIT.unreachable : EXIT.failed;
    return { exitCode, code, message, details, ...(hint !== undefined && { hint }) };
  }
  if (error instanceof WebhookDeliveryConnectionError) return tellUnreachable(error, url);
  return { exitCode: EXIT.failed, code: "internal_error", message: messageOf(error), details: [] };
}

/** Whether the same request may well be answered later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof WebhookDeliveryConnectionError) return true;
  if (!(error instanceof WebhookDeliveryError)) return false;
  return error.status >= FIRST_SERVER_ERROR || error.code === "rate_limited";
}

function tellUnreachable(error: Error, url: string | undefined): ToldFailure {
  const at = url === undefined ? "" : ` at ${url}`;
  return {
    exitCode: EXIT.unreachable,
    code: "unreachable",
    message: `The service${at} gives no usable answer: ${innermost(error)}`,
    details: [],
    hint: "Is it running (npx -y pnpm@12 start)? Another address: --url or WEBHOOK_DELIVERY_URL.",
  };
}

/** fetch says "fetch failed"; what really happened hangs below it. */
function innermost(error: Error): string {
  let deepest: unknown = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  // Several addresses were tried, each with an error of its own.
  if (deepest instanceof AggregateError) deepest = deepest.errors[0] ?? deepest;
  return messageOf(deepest);
}

/** Where the words are OpenSSL's: an error's code → what it means here. */
const TLS_WORDS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS there (http:// instead of https://?)",
};

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const word = TLS_WORDS[code ?? ""];
  if (word !== undefined) return word;
  return error.message || (code ?? error.name);
}
