/** What a worker is made of, built once from its configuration. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "@webhook-delivery/shared/config.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import type { WorkerProcess } from "@webhook-delivery/shared/db/workers.ts";
import { createSender, type Sender } from "@webhook-delivery/shared/http/sender.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { createWorkerMetrics, type WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import type { QueueLocation } from "@webhook-delivery/shared/queue/location.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { createClaims, type Claims } from "./claims.ts";
import { createRateLimiter, type RateLimiter } from "./rate-limiter.ts";
import { createReport, type Report } from "./report.ts";

export interface WorkerOptions {
  readonly config: Config<"worker">;
  readonly sql: Sql;
  readonly location: QueueLocation;
  readonly log: Logger;
}

export interface Parts extends WorkerOptions {
  readonly self: WorkerProcess;
  readonly claims: Claims;
  readonly metrics: WorkerMetrics;
  readonly report: Report;
  readonly sender: Sender;
  readonly rateLimiter: RateLimiter;
  readonly monotonicNow: () => number;
  /** Logs an outage of the queue, now and then. */
  readonly onQueueError: (error: unknown) => void;
  /** The same of permits whose run failed; their leases expire. */
  readonly onRunFailed: (error: unknown) => void;
}

export const OUTAGE_LOG_EVERY_MS = 5_000;

export function createParts(options: WorkerOptions): Parts {
  const { config, sql, log } = options;
  const monotonicNow = () => performance.now();
  const claims = createClaims();
  return {
    ...options,
    self: { id: randomUUID(), hostname: hostname(), version: VERSION },
    claims,
    metrics: createWorkerMetrics(() => claims.list().length),
    report: createReport(monotonicNow()),
    sender: createSender({
      allowedCidrs: config.ALLOWED_PRIVATE_CIDRS,
      requireHttps: config.REQUIRE_HTTPS,
      responseBodyLimit: config.RESPONSE_BODY_LIMIT,
      egressProxy: config.EGRESS_PROXY_URL ?? undefined,
    }),
    rateLimiter: createRateLimiter({
      sql,
      ratePerSecond: config.RATE_LIMIT_PER_SECOND,
      monotonicNow,
    }),
    monotonicNow,
    onQueueError: throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
      log.warn({ event: "queue.unavailable", err: error }, "the queue is not reachable; trying on"),
    ),
    onRunFailed: throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
      log.warn({ event: "job.failed", err: error }, "a job failed; its lease expires"),
    ),
  };
}
