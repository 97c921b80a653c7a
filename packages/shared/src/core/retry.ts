/**
 * What an attempt's result means for its delivery: the table of the contract's section 5 as one pure
 * function. It knows nothing of queues; the answer becomes the row's next state and time.
 */
import type { AttemptResult } from "./attempt-result.ts";
import type { ErrorType } from "./delivery.ts";
import { isTemporary } from "./reading.ts";
import { parseRetryAfterMs } from "./retry-after.ts";

export interface AttemptPosition {
  /** 1 for the first attempt of this round; a manual retry starts a new round. */
  readonly attemptInRound: number;
  readonly attemptsInRound: number;
  /** Waits before attempts 2, 3, …; the last one repeats when there are more attempts than waits. */
  readonly scheduleMs: readonly number[];
  /** When the attempt ended: every wait counts from here. */
  readonly endedAt: Date;
}

export type Decision =
  | { readonly next: "success" }
  | { readonly next: "retry"; readonly retryAt: Date; readonly failure: Failure }
  | { readonly next: "failed"; readonly failure: Failure };

export interface Failure {
  readonly errorType: ErrorType;
  readonly message: string;
}

/** A receiver may ask for a longer wait than the schedule's, up to this. */
export const RETRY_AFTER_LIMIT_MS = 3_600_000;

export function decideNext(result: AttemptResult, position: AttemptPosition): Decision {
  const failure = failureOf(result);
  if (failure === undefined) return { next: "success" };
  if (!isWorthRetrying(result) || position.attemptInRound >= position.attemptsInRound) {
    return { next: "failed", failure };
  }
  const waitMs = Math.max(scheduledWaitMs(position), requestedWaitMs(result, position.endedAt));
  return { next: "retry", retryAt: new Date(position.endedAt.getTime() + waitMs), failure };
}

export function isSuccess(result: AttemptResult): boolean {
  if (result.kind !== "response") return false;
  return (result.status >= 200 && result.status < 300) || result.reading?.isDelivered === true;
}

function failureOf(result: AttemptResult): Failure | undefined {
  switch (result.kind) {
    case "response":
      if (isSuccess(result)) return undefined;
      return { errorType: "http", message: result.reading?.message ?? wordsFor(result) };
    case "timeout":
    case "network":
    case "blocked":
      return { errorType: result.kind, message: result.message };
  }
}

/** Answered where a client certificate is missed; 495 and 496 are nginx's own. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 495, 496]);

/** RFC 9110 §15.5.22 and §15.6.6; 464 is AWS's load balancer's, for targets that speak HTTP/2 only. */
const OTHER_VERSION: ReadonlySet<number> = new Set([426, 464, 505]);

function wordsFor({ status, asksForCertificate }: Extract<AttemptResult, { kind: "response" }>) {
  if (asksForCertificate === true && REFUSALS.has(status)) {
    return `The receiver answered ${status}. It asks for a client certificate, and none was given.`;
  }
  if (OTHER_VERSION.has(status)) {
    return `The receiver answered ${status}: it does not speak HTTP/1.1, which deliveries are made with.`;
  }
  return `The receiver answered ${status}.`;
}

function isWorthRetrying(result: AttemptResult): boolean {
  switch (result.kind) {
    case "response":
      return result.reading?.isWorthRetrying ?? isTemporary(result.status);
    case "timeout":
    case "network":
      return true;
    case "blocked":
      return false;
  }
}

function scheduledWaitMs({ attemptInRound, scheduleMs }: AttemptPosition): number {
  return scheduleMs[Math.min(attemptInRound, scheduleMs.length) - 1] ?? 0;
}

/** What these ask for with `Retry-After` is honoured. */
const ASKING: ReadonlySet<number> = new Set([408, 425, 429, 503]);

/** What one of them asks for, or a vendor in its own way; 0: nothing. */
export function requestedWaitMs(result: AttemptResult, now: Date): number {
  if (result.kind !== "response") return 0;
  const { status, headers, reading } = result;
  const askedMs = ASKING.has(status) ? (parseRetryAfterMs(headers["retry-after"], now) ?? 0) : 0;
  return Math.min(Math.max(askedMs, reading?.waitMs ?? 0), RETRY_AFTER_LIMIT_MS);
}
