/** `/healthz`: the process runs. `/readyz`: it can do its work, or what is missing. `/metrics`. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { checkReadiness, readinessBody, type Checks } from "@webhook-delivery/shared/health.ts";
import type { IngestMetrics } from "@webhook-delivery/shared/metrics.ts";
import { errors, NotReadyFields, Success } from "./schemas.ts";

export interface HealthDeps {
  readonly checks: Checks;
  /** True while the process is being stopped. */
  readonly isStopping: () => boolean;
  readonly metrics: IngestMetrics;
}

const tags = ["operation"];
const config = { isPublic: true, isProbe: true, takesAnyFields: true };
const ChecksSchema = Type.Record(Type.String(), Type.String(), {
  examples: [{ database: "ok", queue: "ok" }],
});

export const healthRoutes: FastifyPluginAsyncTypebox<HealthDeps> = async (app, deps) => {
  app.get(
    "/healthz",
    {
      config,
      schema: { tags, summary: "The process runs", security: [], response: { 200: Success({}) } },
    },
    async () => ({ status: "success" as const }),
  );

  app.get(
    "/readyz",
    {
      config,
      schema: {
        tags,
        summary: "It can do its work, or what is missing",
        security: [],
        response: {
          200: Success({ checks: ChecksSchema }),
          503: Type.Object({
            status: Type.Literal("error"),
            error: NotReadyFields,
            checks: ChecksSchema,
          }),
        },
      },
    },
    async (_request, reply) => {
      const readiness = await checkReadiness(
        deps.checks,
        deps.isStopping() ? "stopping" : undefined,
      );
      const body = readinessBody(readiness);
      return body.status === "success" ? reply.send(body) : reply.code(503).send(body);
    },
  );

  app.get(
    "/metrics",
    {
      // About everybody's deliveries.
      config: { isForOperators: true, isProbe: true },
      schema: {
        tags,
        summary: "Prometheus metrics",
        response: {
          200: {
            description: "Prometheus text format",
            content: {
              "text/plain": { schema: Type.String({ examples: ["# HELP …\n# TYPE …\n"] }) },
            },
          },
          ...errors(403),
        },
      },
    },
    async (_request, reply) => {
      const text = await deps.metrics.expose();
      // Not JSON: past the serializer.
      return reply
        .type(deps.metrics.contentType)
        .serializer((body: string) => body)
        .send(text);
    },
  );
};
