/** What an attempt becomes in the log, and what it makes of its delivery. */
import { waitAfterInternalFaultMs } from "@webhook-delivery/shared/core/fault.ts";
import { firstCharacters } from "@webhook-delivery/shared/core/first-characters.ts";
import { decideNext } from "@webhook-delivery/shared/core/retry.ts";
import { signOf } from "@webhook-delivery/shared/core/sign.ts";
import type { AttemptRecord, CallRecord } from "@webhook-delivery/shared/db/attempts.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import type { MadeCall, MadeCalls } from "./calls.ts";

export interface RecordDeps {
  readonly scheduleMs: readonly number[];
  readonly now: () => Date;
  /** Characters of an answer's body that are kept: a format may have read more. */
  readonly responseBodyLimit: number;
}

/** The next probes take other deliveries, or one that its receiver cannot stand would keep it shut. */
const AFTER_PROBE_MS = 60_000;

export function afterAnswer(
  deps: RecordDeps,
  claim: ClaimedDelivery,
  { earlier, last }: MadeCalls,
): AttemptRecord {
  const { result } = last;
  const endedAt = deps.now();
  const isFailedProbe = claim.permit === "probe" && signOf(result, endedAt)?.kind === "ill";
  const attemptInRound = claim.attempt - claim.attemptsBeforeRound;
  const decision = decideNext(result, {
    attemptInRound,
    // There is always another one after a probe that told nothing new.
    attemptsInRound: isFailedProbe
      ? attemptInRound + 1
      : claim.maxAttempts - claim.attemptsBeforeRound,
    scheduleMs: claim.endpoint?.scheduleMs ?? deps.scheduleMs,
    endedAt,
  });
  const failure = decision.next === "success" ? undefined : decision.failure;
  return {
    ...recordBase(claim, last.calledAt),
    ...callBase(deps, last),
    earlierCalls: earlier.map((call): CallRecord => ({
      callId: call.id,
      attemptedAt: call.calledAt,
      ...callBase(deps, call),
    })),
    error: failure?.message ?? null,
    errorType: failure?.errorType ?? null,
    next:
      decision.next === "retry"
        ? {
            status: "pending",
            retryAt: isFailedProbe ? afterProbe(decision.retryAt, endedAt) : decision.retryAt,
          }
        : { status: decision.next },
    chargedTo: isFailedProbe ? "nobody" : "receiver",
  };
}

export function afterFault(
  deps: RecordDeps,
  claim: ClaimedDelivery,
  attemptedAt: Date,
): AttemptRecord {
  const endedAt = deps.now().getTime();
  const waitMs = waitAfterInternalFaultMs(claim.internalFaults + 1);
  return {
    ...recordBase(claim, attemptedAt),
    durationMs: Math.max(0, endedAt - attemptedAt.getTime()),
    earlierCalls: [],
    requestUrl: null,
    requestHeaders: null,
    responseStatus: null,
    responseHeaders: null,
    responseBody: null,
    error: "The attempt could not be made through a fault of this service; see its log.",
    errorType: "internal",
    next: { status: "pending", retryAt: new Date(endedAt + waitMs) },
    chargedTo: "us",
  };
}

function recordBase(claim: ClaimedDelivery, attemptedAt: Date) {
  return {
    deliveryId: claim.id,
    claimId: claim.claimId,
    attemptNumber: claim.attempt,
    attemptedAt,
  };
}

function callBase({ responseBodyLimit }: RecordDeps, { url, headers, result }: MadeCall) {
  const response = result.kind === "response" ? result : undefined;
  return {
    durationMs: Math.round(result.durationMs),
    requestUrl: url,
    requestHeaders: headers,
    responseStatus: response?.status ?? null,
    responseHeaders: response?.headers ?? null,
    responseBody: response ? firstCharacters(response.body, responseBodyLimit) : null,
  };
}

function afterProbe(retryAt: Date, endedAt: Date): Date {
  return new Date(Math.max(retryAt.getTime(), endedAt.getTime() + AFTER_PROBE_MS));
}
