/** Test deliveries: does the receiver take what we send? */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply } from "fastify";
import { DEFAULT_EVENT_TYPE } from "@webhook-delivery/shared/core/delivery.ts";
import { memberText } from "@webhook-delivery/shared/core/json-text.ts";
import { checkSigningSecret } from "@webhook-delivery/shared/core/signing.ts";
import type { AcceptDeps } from "@webhook-delivery/shared/dispatch/accept-delivery.ts";
import {
  deliverTest,
  isFinished,
  typeToTest,
  WORKER_TIMEOUT_MS,
  type TestRequest,
} from "@webhook-delivery/shared/dispatch/test-delivery.ts";
import { DeadlineError } from "../deadline.ts";
import { errorBody } from "../errors.ts";
import { attemptJson, deliveryJson } from "./delivery-json.ts";
import { LONGEST_TIMEOUT_MS } from "./endpoint-schemas.ts";
import { requireEndpoint } from "./endpoints.ts";
import { errors, IdParams } from "./schemas.ts";
import { EndpointTestBody, TestResultSchema, UrlTestBody } from "./tests-schemas.ts";

export interface TestDeps extends AcceptDeps {
  /** Of an attempt, where its endpoint says nothing else. */
  readonly deliveryTimeoutMs: number;
}

/** Callers that wait for a result; each looks for it ten times a second. */
const MOST_WAITING = 50;
/** What the answer may take beyond the wait for the result. */
const AROUND_MS = 5_000;

const description =
  "Makes one attempt with an example of the event type and waits for its result. It is a delivery like any other, with isTestDelivery, and takes no part in an ordered endpoint's line. A disabled endpoint is tested all the same. 503 when no worker took it in time; it is cancelled then.";

export const testRoutes: FastifyPluginAsyncTypebox<TestDeps> = async (app, deps) => {
  const { sql, deliveryTimeoutMs } = deps;
  const longestMs = Math.max(deliveryTimeoutMs, LONGEST_TIMEOUT_MS);
  const config = { answerTimeoutMs: longestMs + WORKER_TIMEOUT_MS + AROUND_MS };
  let waiting = 0;

  const run = async (request: TestRequest, reply: FastifyReply, settings: AcceptDeps = deps) => {
    if (waiting >= MOST_WAITING) throw new DeadlineError("too many tests are under way");
    waiting++;
    try {
      const { delivery, attempt } = await deliverTest(settings, request);
      const { id, status } = delivery;
      if (!isFinished(delivery))
        return await unavailable(reply, `Attempt still going on: see ${id}.`);
      if (status === "cancelled" && attempt === undefined) {
        return await unavailable(reply, `No worker took delivery ${id} in time; it is cancelled.`);
      }
      return await reply.send({
        status: "success" as const,
        delivered: status === "success",
        delivery: deliveryJson(delivery),
        attempt: attempt === undefined ? null : attemptJson(attempt),
      });
    } finally {
      waiting--;
    }
  };

  app.post(
    "/endpoints/:id/test",
    {
      config,
      schema: {
        tags: ["endpoints"],
        summary: "Send an endpoint a test",
        description,
        params: IdParams,
        body: EndpointTestBody,
        response: { 200: TestResultSchema, ...errors(400, 404, 415, 503) },
      },
    },
    async ({ params, body, bodyText, caller }, reply) => {
      const { id, eventTypes, timeoutMs } = await requireEndpoint(sql, params.id, caller);
      const request = {
        caller,
        target: { kind: "endpoint" as const, endpointId: id },
        eventType: body?.eventType ?? typeToTest(eventTypes),
        format: "auto" as const,
        payloadText: payloadTextOf(body, bodyText),
        attemptTimeoutMs: timeoutMs ?? deliveryTimeoutMs,
      };
      return run(request, reply);
    },
  );

  app.post(
    "/webhook/test",
    {
      config,
      schema: {
        tags: ["deliveries"],
        summary: "Send a test to any URL",
        description,
        body: UrlTestBody,
        response: { 200: TestResultSchema, ...errors(400, 413, 415, 503) },
      },
    },
    async ({ body, bodyText, caller }, reply) => {
      const { url, secret, eventType = DEFAULT_EVENT_TYPE, format = "auto" } = body;
      const webhookSecret = secret ? checkSigningSecret(secret, "body.secret") : null;
      const request = {
        caller,
        target: { kind: "url" as const, webhookUrl: url, webhookSecret },
        eventType,
        format,
        payloadText: payloadTextOf(body, bodyText),
        attemptTimeoutMs: deliveryTimeoutMs,
      };
      const destinationRules = { ...deps.destinationRules, field: "body.url" };
      return run(request, reply, { ...deps, destinationRules });
    },
  );
};

/** As its caller spelled it; null: none was given. */
function payloadTextOf(body: { payload?: unknown } | null, bodyText: string): string | null {
  return (body?.payload ?? null) === null ? null : (memberText(bodyText, "payload") ?? null);
}

async function unavailable(reply: FastifyReply, message: string): Promise<FastifyReply> {
  return reply.code(503).send(errorBody("unavailable", message));
}
