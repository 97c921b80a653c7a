/** Prometheus metrics. Labels are few and bounded: never an id, a URL or anything a caller chooses. */
import type { StateCounts } from "./db/destination-list.ts";
import type { OutboxCounts } from "./db/outbox-counts.ts";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

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
  /** Of a destination's circuit, to that state. */
  countTransition(state: string): void;
  /** Whether PostgreSQL tells this worker of new rows in the outbox. */
  setListening(isListening: boolean): void;
}

// From a local receiver to the longest timeout that makes sense.
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Asked at every scrape. */
export interface Counts {
  unfinished(): Promise<Readonly<Record<"waiting" | "active" | "delayed", number>>>;
  destinations(): Promise<StateCounts>;
  outbox(): Promise<OutboxCounts>;
}

const DESTINATION_STATES = ["closed", "open", "half_open", "paused"] as const;

export function createIngestMetrics(counts: Counts): IngestMetrics {
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
      const unfinishedNow = await counts.unfinished();
      for (const state of ["waiting", "active", "delayed"] as const) {
        this.set({ state }, unfinishedNow[state]);
      }
    },
  });
  /** One question for both. */
  let asked: Promise<StateCounts> | undefined;
  const askStates = (): Promise<StateCounts> =>
    (asked ??= counts.destinations().finally(() => (asked = undefined)));
  const heldBack = new Gauge({
    name: "webhook_delivery_held_back",
    help: "Deliveries that wait because of their destination's state; of each destination up to 10,000",
    registers: [],
    async collect() {
      this.set((await askStates()).heldBack);
    },
  });
  const destinations = new Gauge({
    name: "webhook_delivery_destinations",
    help: "Destinations by state; a paused one has a state as well",
    labelNames: ["state"],
    registers: [],
    async collect() {
      const now = await askStates();
      for (const state of DESTINATION_STATES) this.set({ state }, now[state]);
    },
  });
  const outbox = new Gauge({
    name: "webhook_delivery_outbox_waiting",
    help: "Rows of the outbox that were not taken yet, by state: due or scheduled; each up to 10,000",
    labelNames: ["state"],
    registers: [],
    async collect() {
      const waiting = await counts.outbox();
      for (const state of ["due", "scheduled"] as const) this.set({ state }, waiting[state]);
    },
  });
  for (const metric of [unfinished, destinations, heldBack, outbox])
    registry.registerMetric(metric);
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
  const transitions = new Counter({
    name: "webhook_delivery_destination_transitions_total",
    help: "Changes of a destination's state that this worker made, by the state it has since",
    labelNames: ["state"],
    registers: [registry],
  });
  const listening = new Gauge({
    name: "webhook_delivery_outbox_listening",
    help: "1: notifications of new rows in the outbox arrive at this worker; 0: it polls",
    registers: [registry],
  });
  return {
    ...exposed(registry),
    setListening(isListening) {
      listening.set(Number(isListening));
    },
    countAttempt(outcome, seconds) {
      attempts.observe({ outcome }, seconds);
    },
    countTransition(state) {
      transitions.inc({ state });
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
