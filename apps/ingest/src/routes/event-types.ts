/** `/event-types`: what an endpoint may subscribe to, with an example of each. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { EVENT_TYPES } from "@webhook-delivery/shared/core/event-types.ts";
import { AnyObject, errors, Success } from "./schemas.ts";

const EventTypeSchema = Type.Object(
  {
    type: Type.String(),
    description: Type.String(),
    example: Type.Unsafe<Record<string, unknown>>({
      ...AnyObject,
      description: "What `data` holds in such an event.",
    }),
  },
  { examples: EVENT_TYPES.slice(0, 1) },
);

export const eventTypeRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    "/event-types",
    {
      schema: {
        tags: ["events"],
        summary: "The event types that we know, with an example of each",
        description: "Events of other types are accepted and delivered just the same.",
        response: { 200: Success({ eventTypes: Type.Array(EventTypeSchema) }), ...errors() },
      },
    },
    async () => ({ status: "success" as const, eventTypes: [...EVENT_TYPES] }),
  );
};
