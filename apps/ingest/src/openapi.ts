/** `/openapi.json`, generated from the schemas that the routes check. */
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { VERSION } from "@webhook-delivery/shared/version.ts";

/** Must be registered before the routes that it describes. */
export async function publishOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "webhook-delivery",
        version: VERSION,
        description:
          "Accepts webhooks, signs and delivers them, retries and logs every attempt. " +
          "Every path also answers under /api. Unknown fields in requests are ignored.",
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }],
      tags: [
        { name: "deliveries", description: "What was accepted, and what came of it" },
        { name: "operation", description: "Health and this document" },
      ],
    },
  });
}

export async function openApiRoute(app: FastifyInstance): Promise<void> {
  app.get("/openapi.json", { schema: { tags: ["operation"] } }, async () => app.swagger());
}
