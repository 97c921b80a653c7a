/** Reads of `webhook_delivery_logs`; its rows are written together with the delivery (attempts.ts). */
import type { ErrorType } from "../core/delivery.ts";
import type { Queryable } from "./client.ts";

export interface LoggedAttempt {
  readonly id: string;
  readonly deliveryId: string;
  readonly attemptNumber: number;
  readonly attemptedAt: Date;
  readonly durationMs: number;
  /** Null: the delivery's own. */
  readonly requestUrl: string | null;
  readonly requestHeaders: Record<string, string> | null;
  readonly responseStatus: number | null;
  readonly responseHeaders: Record<string, string> | null;
  readonly responseBody: string | null;
  readonly error: string | null;
  readonly errorType: ErrorType | null;
  readonly willRetry: boolean;
  readonly retryAt: Date | null;
}

/** Oldest first. */
export async function listAttempts(sql: Queryable, deliveryId: string): Promise<LoggedAttempt[]> {
  return sql<LoggedAttempt[]>`
    select id::text, delivery_id as "deliveryId", attempt_number as "attemptNumber",
      attempted_at as "attemptedAt", duration_ms as "durationMs",
      request_url as "requestUrl", request_headers as "requestHeaders", response_status as "responseStatus",
      response_headers as "responseHeaders", response_body as "responseBody", error,
      error_type as "errorType", will_retry as "willRetry", retry_at as "retryAt"
    from webhook_delivery_logs where delivery_id = ${deliveryId} order by attempted_at, id`;
}
