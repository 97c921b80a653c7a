/** `/webhook-delivery`: take deliveries in, show them, start them again, call them back. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { clientScope, type Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { parseToShow } from "@webhook-delivery/shared/core/json-text.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  cancelDelivery,
  findDelivery,
  type Delivery,
} from "@webhook-delivery/shared/db/deliveries.ts";
import { findTarget } from "@webhook-delivery/shared/db/endpoint-targets.ts";
import { listAttempts } from "@webhook-delivery/shared/db/delivery-logs.ts";
import {
  acceptDelivery,
  type AcceptDeps,
} from "@webhook-delivery/shared/dispatch/accept-delivery.ts";
import { moveLinesOn } from "@webhook-delivery/shared/dispatch/lines.ts";
import { startRoundByHand } from "@webhook-delivery/shared/dispatch/new-round.ts";
import { attemptJson, deliveryJson } from "./delivery-json.ts";
import { DeliveryPage, listPage } from "./delivery-page.ts";
import { requireOwnClient } from "./owner.ts";
import { findConflicts, readIdempotencyKey, toDeliveryRequest } from "./delivery-request.ts";
import {
  AttemptSchema,
  DeliveryListQuery,
  DeliverySchema,
  DeliveryWithAttemptsSchema,
  errors,
  IdParams,
  NewDeliveryBody,
  Success,
} from "./schemas.ts";

const tags = ["deliveries"];
const OneDelivery = Success({ delivery: DeliverySchema });

export const deliveryRoutes: FastifyPluginAsyncTypebox<AcceptDeps> = async (app, deps) => {
  const { sql } = deps;

  app.post(
    "/webhook-delivery",
    {
      config: { findConflicts },
      schema: {
        tags,
        summary: "Accept a delivery",
        description: "202 means: committed, and delivered, retried or explained from here on.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String()) }),
        body: NewDeliveryBody,
        response: { 200: OneDelivery, 202: OneDelivery, ...errors(400, 404, 409, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const wanted = toDeliveryRequest(request.body, {
        caller: request.caller,
        bodyText: request.bodyText,
        idempotencyKey: readIdempotencyKey(request.headers["idempotency-key"]),
      });
      const { delivery, isReplay } = await acceptDelivery(deps, wanted);
      if (isReplay) reply.header("idempotency-replayed", "true");
      return reply
        .code(isReplay ? 200 : 202)
        .send({ status: "success" as const, delivery: deliveryJson(delivery) });
    },
  );

  app.get(
    "/webhook-delivery",
    {
      schema: {
        tags,
        summary: "List deliveries, newest first",
        querystring: DeliveryListQuery,
        response: {
          200: DeliveryPage,
          ...errors(400, 404),
        },
      },
    },
    async ({ query, caller }) => {
      const { clientId, ...rest } = query;
      requireOwnClient(caller, clientId);
      return listPage(sql, { ...rest, clientId: clientScope(caller) ?? clientId });
    },
  );

  app.get(
    "/webhook-delivery/:id",
    {
      schema: {
        tags,
        summary: "One delivery with its payload, the body as it is sent, and all its attempts",
        params: IdParams,
        response: {
          200: Success({
            delivery: DeliveryWithAttemptsSchema,
          }),
          ...errors(404),
        },
      },
    },
    async ({ params, caller }) => {
      const { payloadText, body, ...delivery } = await requireDelivery(params.id, caller);
      const payload = parseToShow(payloadText);
      const attempts = await listAttempts(sql, delivery.id);
      return {
        status: "success" as const,
        delivery: {
          ...deliveryJson(delivery),
          payload,
          body,
          attempts: attempts.map(attemptJson),
        },
      };
    },
  );

  app.get(
    "/webhook-delivery/:id/logs",
    {
      schema: {
        tags,
        summary: "The attempts of a delivery, oldest first",
        params: IdParams,
        response: { 200: Success({ logs: Type.Array(AttemptSchema) }), ...errors(404) },
      },
    },
    async ({ params, caller }) => {
      const { id } = await requireDelivery(params.id, caller);
      const attempts = await listAttempts(sql, id);
      return { status: "success" as const, logs: attempts.map(attemptJson) };
    },
  );

  app.post(
    "/webhook-delivery/:id/retry",
    {
      schema: {
        tags,
        summary: "Start a new round of attempts for a finished delivery",
        params: IdParams,
        response: { 202: OneDelivery, ...errors(404, 409) },
      },
    },
    async ({ params, caller }, reply) => {
      const finished = await requireDelivery(params.id, caller);
      await requireRetryable(sql, finished);
      const delivery = await startRoundByHand(deps, finished);
      if (delivery === undefined) {
        throw new DomainError("not_retryable", "It is still pending or in flight.");
      }
      return reply.code(202).send({ status: "success" as const, delivery: deliveryJson(delivery) });
    },
  );

  app.post(
    "/webhook-delivery/:id/cancel",
    {
      schema: {
        tags,
        summary: "Cancel a pending delivery: it never leaves",
        params: IdParams,
        response: { 200: OneDelivery, ...errors(404, 409) },
      },
    },
    async ({ params, caller }) => {
      const { id } = await requireDelivery(params.id, caller);
      const delivery = await cancelDelivery(sql, id);
      if (delivery === undefined) {
        throw new DomainError("not_cancellable", "It is in flight or finished.");
      }
      if (delivery.endpointId !== null) await moveLinesOn(deps, [delivery.endpointId]);
      return { status: "success" as const, delivery: deliveryJson(delivery) };
    },
  );

  async function requireDelivery(id: string, caller: Caller) {
    const clientId = clientScope(caller);
    const delivery = isUuid(id) ? await findDelivery(sql, { id, clientId }) : undefined;
    if (delivery === undefined) throw new DomainError("not_found", "There is no such delivery.");
    return delivery;
  }
};

/** A new round for an endpoint that takes nothing would only fail again. */
async function requireRetryable(
  sql: Sql,
  { endpointId, isTestDelivery }: Pick<Delivery, "endpointId" | "isTestDelivery">,
): Promise<void> {
  if (endpointId === null) return;
  const endpoint = await findTarget(sql, { id: endpointId, clientId: undefined });
  if (endpoint === undefined) {
    throw new DomainError("not_retryable", "Its endpoint was deleted.");
  }
  if (!endpoint.enabled && !isTestDelivery) {
    throw new DomainError("endpoint_disabled", "Its endpoint is disabled: enable it first.");
  }
}
