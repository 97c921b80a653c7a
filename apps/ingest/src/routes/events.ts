/** `/events`: publish something that happened to everybody who subscribes to it. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { clientScope } from "@webhook-delivery/shared/core/caller.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { memberText, parseToShow } from "@webhook-delivery/shared/core/json-text.ts";
import { timeOf } from "@webhook-delivery/shared/core/time.ts";
import {
  countDeliveriesOfEvent,
  listDeliveriesOfEvent,
} from "@webhook-delivery/shared/db/event-deliveries.ts";
import { findEvent } from "@webhook-delivery/shared/db/events.ts";
import { publishEvent, type PublishDeps } from "@webhook-delivery/shared/dispatch/publish-event.ts";
import { deliveryJson } from "./delivery-json.ts";
import { readIdempotencyKey } from "./delivery-request.ts";
import {
  EventParams,
  EventQuery,
  EventSchema,
  NewEventBody,
  PublishedFields,
} from "./event-schemas.ts";
import { chooseOwner, requireOwnClient } from "./owner.ts";
import { errors, Success } from "./schemas.ts";

const tags = ["events"];
const status = "success" as const;
const Published = Success(PublishedFields);
/** A fan-out to 10,000 endpoints writes 10,000 rows before it answers. */
const ANSWER_TIMEOUT_MS = 30_000;
const SHOWN_DELIVERIES = 200;

export const eventRoutes: FastifyPluginAsyncTypebox<PublishDeps> = async (app, deps) => {
  const { sql } = deps;

  app.post(
    "/events",
    {
      config: { answerTimeoutMs: ANSWER_TIMEOUT_MS },
      schema: {
        tags,
        summary: "Publish an event",
        description:
          "Makes one delivery for each endpoint of its client that subscribes to its type and source, all or none. An event that nobody subscribes to is stored (`matched: 0`). The same eventId again: 200 with the first deliveries; with another type, source or data: 409. The header Idempotency-Key is the eventId where the body has none.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String()) }),
        body: NewEventBody,
        response: {
          200: Published,
          202: Published,
          ...errors(400, 404, 409, 413, 415, 503),
        },
      },
    },
    async ({ body, bodyText, caller, headers }, reply) => {
      const idempotencyKey = readIdempotencyKey(headers["idempotency-key"]);
      const { eventId, deliveryIds, disabledIds, isReplay } = await publishEvent(deps, {
        clientId: await chooseOwner(sql, caller, body.clientId),
        eventId: body.eventId ?? idempotencyKey ?? null,
        type: body.type,
        source: body.source ?? null,
        dataText: memberText(bodyText, "data") ?? "null",
        occurredAt: body.timestamp ? timeOf(body.timestamp) : new Date(),
      });
      if (isReplay) reply.header("idempotency-replayed", "true");
      return reply.code(isReplay ? 200 : 202).send({
        status,
        eventId,
        deliveries: [...deliveryIds],
        disabled: [...disabledIds],
        matched: deliveryIds.length + disabledIds.length,
      });
    },
  );

  app.get(
    "/events/:id",
    {
      schema: {
        tags,
        summary: "One event and its deliveries",
        params: EventParams,
        querystring: EventQuery,
        response: { 200: Success({ event: EventSchema }), ...errors(400, 404) },
      },
    },
    async ({ params, query, caller }) => {
      requireOwnClient(caller, query.clientId);
      const clientId = clientScope(caller) ?? query.clientId;
      const event = await findEvent(sql, { eventId: params.id, clientId });
      if (event === undefined) throw new DomainError("not_found", "There is no such event.");
      const [deliveries, deliveryCount] = await Promise.all([
        listDeliveriesOfEvent(sql, event, SHOWN_DELIVERIES),
        countDeliveriesOfEvent(sql, event),
      ]);
      const { id: _, dataText, occurredAt, createdAt, ...shown } = event;
      return {
        status,
        event: {
          ...shown,
          data: parseToShow(dataText),
          timestamp: occurredAt.toISOString(),
          createdAt: createdAt.toISOString(),
          deliveries: deliveries.map(deliveryJson),
          deliveryCount,
        },
      };
    },
  );
};
