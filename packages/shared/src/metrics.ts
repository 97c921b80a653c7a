/** Prometheus metrics. Labels are few and bounded: never an id, a URL or anything a caller chooses. */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  readonly contentType: string;
  /** The exposition text. */
  expose(): Promise<string>;
}

export interface IngestMetrics extends Metrics {
  countRequest(route: string, method: string, status: number, seconds: number): void;
}

export interface WorkerMetrics extends Metrics {
  countAttempt(outcome: string, seconds: number): void;
}

// From a local receiver to the longest timeout that makes sense.
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** `countUnfinished` is asked at every scrape. */
export function createIngestMetrics(
  countUnfinished: () => Promise<Readonly<Record<"waiting" | "active" | "delayed", number>>>,
): IngestMetrics {
  const registry = newRegistry();
  const requests = new Histogram({
    name: "webhook_delivery_http_request_duration_seconds",
    help: "Requests to the API by route, method and status",
    labelNames: ["route", "method", "status"],
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  });
  const unfinished = new Gauge({
    name: "webhook_delivery_unfinished",
    help: "Deliveries that are accepted and not finished, by state",
    labelNames: ["state"],
    registers: [],
    async collect() {
      const counts = await countUnfinished();
      for (const state of ["waiting", "active", "delayed"] as const) {
        this.set({ state }, counts[state]);
      }
    },
  });
  registry.registerMetric(unfinished);
  return {
    ...exposed(registry),
    countRequest(route, method, status, seconds) {
      requests.observe({ route, method, status }, seconds);
    },
  };
}

export function createWorkerMetrics(countInFlight: () => number): WorkerMetrics {
  const registry = newRegistry();
  const attempts = new Histogram({
    name: "webhook_delivery_attempt_duration_seconds",
    help: "Attempts by outcome: success, or the error type",
    labelNames: ["outcome"],
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: "webhook_delivery_in_flight",
    help: "Deliveries that this worker has claimed and not recorded yet",
    registers: [],
    collect() {
      this.set(countInFlight());
    },
  });
  registry.registerMetric(inFlight);
  return {
    ...exposed(registry),
    countAttempt(outcome, seconds) {
      attempts.observe({ outcome }, seconds);
    },
  };
}

function newRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

function exposed(registry: Registry): Metrics {
  return { contentType: registry.contentType, expose: () => registry.metrics() };
}
