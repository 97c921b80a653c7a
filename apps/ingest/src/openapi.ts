/**
 * `/openapi.json`, generated from the schemas that the routes check. What follows from a route by rule
 * is added here: an operation's id, an answer's description and its example.
 */
import { STATUS_CODES } from "node:http";
import swagger, { type FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { exampleOfSchema, type JsonSchema } from "./openapi-examples.ts";
import { errors } from "./routes/schemas.ts";

const TAGS = [
  { name: "deliveries", description: "What was accepted, and what came of it" },
  { name: "endpoints", description: "Registered receivers: what they get, and how they fare" },
  { name: "destinations", description: "Where deliveries go, and what is held back for whom" },
  { name: "events", description: "Published once, delivered to every endpoint that subscribes" },
  {
    name: "outbox",
    description: "Rows that applications insert, taken now instead of a moment later",
  },
  { name: "clients", description: "Whose rows are whose, and the keys that open them" },
  { name: "leads", description: "What deliveries of leads are about" },
  { name: "replays", description: "Past deliveries, made again in the background" },
  { name: "statistics", description: "Counts, rates and latencies" },
  { name: "operation", description: "Health, metrics and this document" },
];

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
          "Every path also answers under /api. An unknown field that resembles a known one is refused with " +
          "what may have been meant; any other is ignored and named in the answer's `warnings`. " +
          "Every answer carries `x-request-id`, which stands in the log; send one to choose it. " +
          "An operator's key sees everything; a client's key only what belongs to that client: " +
          "for it, other ids do not exist.",
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
          outboxSecret: { type: "http", scheme: "bearer", description: "OUTBOX_SECRET" },
          cronSecret: { type: "http", scheme: "bearer", description: "CRON_SECRET" },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }],
      tags: TAGS,
    },
    transformObject,
  });
}

interface Operation {
  operationId?: string;
  requestBody?: WithContent;
  responses?: Record<string, Answer>;
}

interface WithContent {
  content?: Record<string, Media>;
}

interface Answer extends WithContent {
  description: string;
}

interface Media {
  schema?: JsonSchema;
  example?: unknown;
  examples?: unknown;
}

type TransformObject = NonNullable<FastifyDynamicSwaggerOptions["transformObject"]>;

const transformObject: TransformObject = (documents) => {
  if (!("openapiObject" in documents)) throw new Error("the document is not OpenAPI 3");
  const { openapiObject } = documents;
  for (const [path, operations] of Object.entries(openapiObject.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations as Record<string, Operation>)) {
      complete(operation, method, path);
    }
  }
  return openapiObject;
};

function complete(operation: Operation, method: string, path: string): void {
  operation.operationId ??= operationId(method, path);
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    if (answer.description === "Default Response") {
      answer.description = STATUS_CODES[status] ?? status;
    }
    addExamples(answer);
  }
  addExamples(operation.requestBody ?? {});
}

function addExamples({ content = {} }: WithContent): void {
  for (const media of Object.values(content)) {
    if (media.example !== undefined || media.examples !== undefined) continue;
    const example = media.schema && exampleOfSchema(media.schema);
    if (example !== undefined) media.example = example;
  }
}

/** `post`, `/webhook-delivery/{id}/retry` → `postWebhookDeliveryByIdRetry`: stable as long as the path. */
function operationId(method: string, path: string): string {
  const words = path.replaceAll("{", "by-").split(/[^a-zA-Z0-9]+/);
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

export async function openApiRoute(app: FastifyInstance): Promise<void> {
  app.get(
    "/openapi.json",
    {
      config: { isForBrowsers: true },
      schema: {
        tags: ["operation"],
        summary: "This document",
        response: {
          200: Type.Record(Type.String(), Type.Unknown(), {
            description: "OpenAPI 3.1",
            examples: [{ openapi: "3.1.0" }],
          }),
          ...errors(),
        },
      },
    },
    async () => app.swagger(),
  );
}
