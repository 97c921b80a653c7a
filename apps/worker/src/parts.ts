/** What a worker is made of, built once from its configuration. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "@webhook-delivery/shared/config.ts";
import { createBatcher } from "@webhook-delivery/shared/batcher.ts";
import {
  recordAttempts,
  type AttemptRecord,
  type Recorded,
} from "@webhook-delivery/shared/db/attempts.ts";
import {
  claimDeliveries,
  type Claim,
  type ClaimedDelivery,
  type EndedDelivery,
} from "@webhook-delivery/shared/db/claims.ts";
import { isDatabaseAway, type Sql } from "@webhook-delivery/shared/db/client.ts";
import type { WorkerProcess } from "@webhook-delivery/shared/db/workers.ts";
import { createSender, type Sender } from "@webhook-delivery/shared/http/sender.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { createWorkerMetrics, type WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import type { QueueLocation } from "@webhook-delivery/shared/queue/connection.ts";
import { createProducers, type Producers } from "@webhook-delivery/shared/queue/producers.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { createClaims, type Claims } from "./claims.ts";
import { createDestinationNotes, type DestinationNotes } from "./destination-notes.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { createReport, type Report } from "./report.ts";
import { createMainSlots, type MainSlots } from "./slots.ts";

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
  readonly producers: Producers;
  readonly sender: Sender;
  readonly pacer: Pacer;
  readonly notes: DestinationNotes;
  readonly mainSlots: MainSlots;
  readonly claim: (claim: Claim) => Promise<ClaimedDelivery | EndedDelivery | undefined>;
  readonly record: (record: AttemptRecord) => Promise<Recorded>;
  readonly monotonicNow: () => number;
  /** Tells the log of an outage of the queue, now and then. */
  readonly onQueueError: (error: unknown) => void;
  /** The same of jobs that failed; the sweep finds their deliveries. */
  readonly onJobFailed: (error: unknown) => void;
}

/** Two at once: one is on its way while the other is worked on. */
const TOGETHER = { maxItems: 100, maxBatches: 2, concernsAll: isDatabaseAway } as const;

export const OUTAGE_LOG_EVERY_MS = 5_000;

export function createParts(options: WorkerOptions): Parts {
  const { config, sql, location, log } = options;
  const monotonicNow = () => performance.now();
  const claims = createClaims();
  const metrics = createWorkerMetrics(() => claims.list().length);
  const onQueueError = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
    log.warn({ event: "queue.unavailable", err: error }, "the queue is not reachable; trying on"),
  );
  const onJobFailed = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
    log.warn({ event: "job.failed", err: error }, "a job failed; the sweep finds its delivery"),
  );
  return {
    ...options,
    self: { id: randomUUID(), hostname: hostname(), version: VERSION },
    claims,
    metrics,
    report: createReport(monotonicNow()),
    producers: createProducers(location, onQueueError),
    sender: createSender({
      allowedCidrs: config.ALLOWED_PRIVATE_CIDRS,
      requireHttps: config.REQUIRE_HTTPS,
      responseBodyLimit: config.RESPONSE_BODY_LIMIT,
      egressProxy: config.EGRESS_PROXY_URL ?? undefined,
    }),
    notes: createDestinationNotes({ sql, log, metrics, monotonicNow }),
    mainSlots: createMainSlots({ monotonicNow, onError: onJobFailed }),
    pacer: createPacer({ sql, ratePerSecond: config.RATE_LIMIT_PER_SECOND, monotonicNow }),
    claim: createBatcher({
      ...TOGETHER,
      run: (wanted) =>
        claimDeliveries(sql, wanted, { inFlightPerWorker: config.WORKER_CONCURRENCY }),
    }),
    record: createBatcher({ ...TOGETHER, run: (records) => recordAttempts(sql, records) }),
    monotonicNow,
    onQueueError,
    onJobFailed,
  };
}
