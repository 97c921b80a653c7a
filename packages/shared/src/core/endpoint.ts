/** A registered endpoint, as its owner describes it. */
import type { RequestedFormat } from "./formats/registry.ts";

/** Null: what the process is configured with. */
export interface EndpointSettings {
  readonly name: string | null;
  readonly url: string;
  /** Exact types and `prefix.*`; empty: all. */
  readonly eventTypes: readonly string[];
  /** Empty: all, also events without one. */
  readonly sources: readonly string[];
  readonly format: RequestedFormat;
  readonly maxAttempts: number | null;
  readonly retryScheduleMs: readonly number[] | null;
  readonly timeoutMs: number | null;
  readonly rateLimitPerSecond: number | null;
  readonly maxInFlight: number | null;
  readonly ordered: boolean;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

export const DEFAULT_SETTINGS: Omit<EndpointSettings, "url"> = {
  name: null,
  eventTypes: [],
  sources: [],
  format: "auto",
  maxAttempts: null,
  retryScheduleMs: null,
  timeoutMs: null,
  rateLimitPerSecond: null,
  maxInFlight: null,
  ordered: false,
  metadata: null,
};
