/** `/webhook-delivery/stats`: how the service is doing, counted over the rows. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  attemptLatencyMs,
  attemptsPerSecond,
  countDeliveriesSince,
  countUnfinished,
} from "@webhook-delivery/shared/db/stats.ts";
import { errors, Nullable, Success } from "./schemas.ts";

const MS_PER_DAY = 86_400_000;
const Count = Type.Integer({ minimum: 0 });
const Milliseconds = Nullable(Type.Number({ minimum: 0 }));

const StatsSchema = Success({
  days: Type.Integer(),
  queue: Type.Object({
    waiting: Count,
    active: Count,
    delayed: Count,
    paused: Count,
    oldestWaitingMs: Milliseconds,
  }),
  deliveries: Type.Object({
    pending: Count,
    sent: Count,
    success: Count,
    failed: Count,
    cancelled: Count,
    total: Count,
  }),
  jobsPerSecond: Type.Number(),
  successRate: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
  averageRetries: Nullable(Type.Number()),
  failed: Count,
  latencyMs: Type.Object({ p50: Milliseconds, p95: Milliseconds, p99: Milliseconds }),
  topEvents: Type.Array(
    Type.Object({ eventType: Type.String(), total: Count, success: Count, failed: Count }),
  ),
  undelivered: Type.Object({ count: Count, oldestAgeMs: Milliseconds }),
});

export const statsRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.get(
    "/webhook-delivery/stats",
    {
      schema: {
        tags: ["deliveries"],
        summary: "Statistics over the last days, and what is not finished now",
        querystring: Type.Object({
          days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 7 })),
          endpointId: Type.Optional(Type.String({ format: "uuid" })),
        }),
        response: { 200: StatsSchema, ...errors(400) },
      },
    },
    async ({ query: { days = 7, endpointId } }) => {
      const scope = { since: new Date(Date.now() - days * MS_PER_DAY), endpointId };
      const [unfinished, deliveries, latencyMs, jobsPerSecond] = await Promise.all([
        countUnfinished(sql, endpointId),
        countDeliveriesSince(sql, scope),
        attemptLatencyMs(sql, scope),
        attemptsPerSecond(sql),
      ]);
      const { waiting, active, delayed, oldestWaitingMs, oldestAgeMs } = unfinished;
      const { success, failed } = deliveries.byStatus;
      const total = Object.values(deliveries.byStatus).reduce((sum, count) => sum + count, 0);
      return {
        status: "success" as const,
        days,
        // Read from the rows, which are the truth: the queue itself holds about a second of work.
        queue: { waiting, active, delayed, paused: 0, oldestWaitingMs },
        deliveries: { ...deliveries.byStatus, total },
        jobsPerSecond,
        successRate: success + failed === 0 ? null : success / (success + failed),
        averageRetries: deliveries.averageRetries,
        failed,
        latencyMs,
        topEvents: [...deliveries.topEvents],
        undelivered: { count: waiting + active + delayed, oldestAgeMs },
      };
    },
  );
};
