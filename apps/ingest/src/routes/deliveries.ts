/** `/webhook-delivery`: take deliveries in, show them, start them again, call them back. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { decodeCursor, encodeCursor } from "@webhook-delivery/shared/core/cursor.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import {
  cancelDelivery,
  findDelivery,
  startNewRound,
} from "@webhook-delivery/shared/db/deliveries.ts";
import {
  countDeliveries,
  listDeliveries,
  TOTAL_CAP,
} from "@webhook-delivery/shared/db/delivery-list.ts";
import { listAttempts } from "@webhook-delivery/shared/db/delivery-logs.ts";
import {
  acceptDelivery,
  type AcceptDeps,
} from "@webhook-delivery/shared/dispatch/accept-delivery.ts";
import { attemptJson, deliveryJson } from "./delivery-json.ts";
import { readIdempotencyKey, toDeliveryRequest } from "./delivery-request.ts";
import {
  AttemptSchema,
  DeliveryListQuery,
  DeliverySchema,
  errors,
  IdParams,
  NewDeliveryBody,
  Success,
} from "./schemas.ts";

const tags = ["deliveries"];
const OneDelivery = Success({ delivery: DeliverySchema });

export const deliveryRoutes: FastifyPluginAsyncTypebox<AcceptDeps> = async (app, deps) => {
  const { sql, directEnqueue } = deps;

  app.post(
    "/webhook-delivery",
    {
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
      const key = readIdempotencyKey(request.headers["idempotency-key"]);
      const wanted = toDeliveryRequest(request.body, request.bodyText, key);
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
          200: Success({
            deliveries: Type.Array(DeliverySchema),
            total: Type.Integer(),
            totalIsCapped: Type.Optional(Type.Boolean()),
            nextCursor: Type.Union([Type.String(), Type.Null()]),
          }),
          ...errors(400),
        },
      },
    },
    async ({ query }) => {
      const { limit = 50, cursor, since, until, deliveryStatus, status, ...rest } = query;
      const filter = {
        ...rest,
        status: deliveryStatus ?? status,
        since: since === undefined ? undefined : new Date(since),
        until: until === undefined ? undefined : new Date(until),
      };
      const beforeId = cursor === undefined ? undefined : decodeCursor(cursor);
      const [found, total] = await Promise.all([
        listDeliveries(sql, filter, { limit: limit + 1, beforeId }),
        countDeliveries(sql, filter),
      ]);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        status: "success" as const,
        deliveries: page.map(deliveryJson),
        total: Math.min(total, TOTAL_CAP),
        ...(total > TOTAL_CAP && { totalIsCapped: true }),
        nextCursor: found.length > limit && last ? encodeCursor(last.id) : null,
      };
    },
  );

  app.get(
    "/webhook-delivery/:id",
    {
      schema: {
        tags,
        summary: "One delivery with its payload and all its attempts",
        params: IdParams,
        response: {
          200: Success({
            delivery: Type.Interface([DeliverySchema], {
              payload: Type.Unknown(),
              attempts: Type.Array(AttemptSchema),
            }),
          }),
          ...errors(404),
        },
      },
    },
    async ({ params }) => {
      const { payload, ...delivery } = await requireDelivery(params.id);
      const attempts = await listAttempts(sql, delivery.id);
      return {
        status: "success" as const,
        delivery: { ...deliveryJson(delivery), payload, attempts: attempts.map(attemptJson) },
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
    async ({ params }) => {
      const { id } = await requireDelivery(params.id);
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
    async ({ params }, reply) => {
      const { id } = await requireDelivery(params.id);
      const queuedForMs = directEnqueue.reserve();
      const delivery = await startNewRound(sql, id, queuedForMs);
      if (delivery === undefined) {
        throw new DomainError("not_retryable", "It is still pending or in flight.");
      }
      if (queuedForMs > 0) directEnqueue.enqueue(id);
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
    async ({ params }) => {
      const { id } = await requireDelivery(params.id);
      const delivery = await cancelDelivery(sql, id);
      if (delivery === undefined) {
        throw new DomainError("not_cancellable", "It is in flight or finished.");
      }
      return { status: "success" as const, delivery: deliveryJson(delivery) };
    },
  );

  async function requireDelivery(id: string) {
    const delivery = isUuid(id) ? await findDelivery(sql, id) : undefined;
    if (delivery === undefined) throw new DomainError("not_found", "There is no such delivery.");
    return delivery;
  }
};
