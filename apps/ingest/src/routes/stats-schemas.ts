/** Statistics as answers have them. */
import { Type, type Static } from "typebox";
import { Nullable, Success, Timestamp, Uuid } from "./schemas.ts";

const Count = Type.Integer({ minimum: 0 });
const Milliseconds = Nullable(Type.Number({ minimum: 0 }));

export const DEFAULT_DAYS = 7;

const Days = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 365,
    default: DEFAULT_DAYS,
    description: "How far to look back.",
  }),
);

export const StatsDaysQuery = Type.Object({ days: Days });

export const ScopeFields = {
  endpointId: Type.Optional(
    Type.Unsafe<string>({ ...Uuid, description: "Only what goes to this endpoint." }),
  ),
  clientId: Type.Optional(
    Type.Unsafe<string>({
      ...Uuid,
      description: "For operators: only this client's. A client's key sees its own anyway.",
    }),
  ),
};

export const StatsQuery = Type.Object({ days: Days, ...ScopeFields });

const example = {
  status: "success",
  days: 7,
  since: "2026-11-14T10:00:00.000Z",
  queue: { waiting: 3, active: 5, delayed: 12, paused: 0, oldestWaitingMs: 240.5 },
  deliveries: { pending: 15, sent: 5, success: 11730, failed: 240, cancelled: 10, total: 12000 },
  jobsPerSecond: 4.25,
  successRate: 0.97995,
  averageRetries: 0.12,
  failed: 240,
  latencyMs: { p50: 46, p95: 312, p99: 1370 },
  topEvents: [{ eventType: "message.received", total: 8000, success: 7900, failed: 90 }],
  undelivered: { count: 20, oldestAgeMs: 130250 },
};

export const StatsSchema = Type.Object(
  Success({
    days: Type.Integer(),
    since: Type.Unsafe<Static<typeof Timestamp>>({
      ...Timestamp,
      description: "Where the window starts: `days` ago, at the full hour before.",
    }),
    queue: Type.Object(
      {
        waiting: Count,
        active: Count,
        delayed: Count,
        paused: Count,
        oldestWaitingMs: Milliseconds,
      },
      {
        description:
          "Now, whenever accepted: due, in flight, due later (or behind another delivery of an ordered endpoint).",
      },
    ),
    deliveries: Type.Object(
      {
        pending: Count,
        sent: Count,
        success: Count,
        failed: Count,
        cancelled: Count,
        total: Count,
      },
      {
        description:
          "Accepted in the window, by their status now. Exact: the same as a count over the rows.",
      },
    ),
    jobsPerSecond: Type.Number({
      minimum: 0,
      description: "Attempts per second over the last minute.",
    }),
    successRate: Nullable(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: "Of those that succeeded or failed; null when there are none.",
      }),
    ),
    averageRetries: Nullable(
      Type.Number({ description: "Attempts beyond the first, of those that ended." }),
    ),
    failed: Count,
    latencyMs: Type.Object(
      { p50: Milliseconds, p95: Milliseconds, p99: Milliseconds },
      {
        description:
          "How long the attempts in the window took, of those a receiver had a part in. Read from a histogram: exact up to 50 ms, beyond that at most 5 % off.",
      },
    ),
    topEvents: Type.Array(
      Type.Object({ eventType: Type.String(), total: Count, success: Count, failed: Count }),
      { description: "The ten most frequent event types in the window." },
    ),
    undelivered: Type.Object(
      { count: Count, oldestAgeMs: Milliseconds },
      { description: "Now: accepted and not finished." },
    ),
  }).properties,
  { examples: [example] },
);
