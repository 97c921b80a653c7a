/** Tells of an attempt that was recorded: one log line, the metrics, the worker's report. */
import type { AttemptRecord } from "@webhook-delivery/shared/db/attempts.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import type { Parts } from "./parts.ts";

export function logAttempt(
  { log, metrics, report }: Pick<Parts, "log" | "metrics" | "report">,
  claim: ClaimedDelivery,
  record: AttemptRecord,
  isSettled: boolean,
): void {
  const retryAt = record.next.status === "pending" ? record.next.retryAt : null;
  const outcome = record.errorType ?? "success";
  log.info({
    event: "delivery.attempted",
    deliveryId: claim.id,
    eventType: claim.eventType,
    attempt: claim.attempt,
    maxAttempts: claim.maxAttempts,
    outcome,
    responseStatus: record.responseStatus,
    durationMs: record.durationMs,
    status: isSettled ? record.next.status : "superseded",
    nextRetryAt: isSettled ? retryAt : null,
  });
  metrics.countAttempt(outcome, record.durationMs / 1000);
  if (!isSettled) return;
  report.count({ isRetry: claim.attempt - claim.attemptsBeforeRound > 1, ...record.next });
}
