/** What this worker did since the last report; one log line a minute. */
import type { DeliveryStatus } from "@webhook-delivery/shared/core/delivery.ts";

interface ReportLine {
  readonly jobsPerSecond: number;
  /** Of the deliveries that ended; null when none did. */
  readonly successRate: number | null;
  /** Retries made per delivery that ended. */
  readonly averageRetries: number | null;
  readonly failed: number;
}

export interface Report {
  count(attempt: { readonly isRetry: boolean; readonly status: DeliveryStatus }): void;
  /** The line since the last call. */
  take(nowMs: number): ReportLine;
}

export function createReport(startedAtMs: number): Report {
  let sinceMs = startedAtMs;
  let counts = { attempts: 0, retries: 0, succeeded: 0, failed: 0 };
  return {
    count({ isRetry, status }) {
      counts.attempts++;
      if (isRetry) counts.retries++;
      if (status === "success") counts.succeeded++;
      if (status === "failed") counts.failed++;
    },
    take(nowMs) {
      const { attempts, retries, succeeded, failed } = counts;
      const seconds = Math.max(nowMs - sinceMs, 1) / 1000;
      const ended = succeeded + failed;
      counts = { attempts: 0, retries: 0, succeeded: 0, failed: 0 };
      sinceMs = nowMs;
      return {
        jobsPerSecond: round(attempts / seconds),
        successRate: ended === 0 ? null : round(succeeded / ended),
        averageRetries: ended === 0 ? null : round(retries / ended),
        failed,
      };
    },
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
