/** `/destinations`: where deliveries go, and what is held back for whom. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { clientScope } from "@webhook-delivery/shared/core/caller.ts";
import { decodeCursor, encodeCursor } from "@webhook-delivery/shared/core/cursor.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  countDestinations,
  describeDestinations,
  isWaitedForBy,
  listDestinations,
} from "@webhook-delivery/shared/db/destination-list.ts";
import { destinationJson } from "./destination-json.ts";
import {
  DestinationListQuery,
  DestinationParams,
  DestinationSchema,
} from "./destination-schemas.ts";
import { requireOwnClient } from "./owner.ts";
import { errors, PageFields, Success } from "./schemas.ts";

const tags = ["destinations"];
const status = "success" as const;
const DEFAULT_LIMIT = 50;

export const destinationRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.get(
    "/destinations",
    {
      schema: {
        tags,
        summary: "List destinations and their state",
        description: "Those to which something was sent. A client sees those of its own endpoints.",
        querystring: DestinationListQuery,
        response: {
          200: Success({ destinations: Type.Array(DestinationSchema), ...PageFields }),
          ...errors(400, 404),
        },
      },
    },
    async ({ query: { limit = DEFAULT_LIMIT, cursor, ...wanted }, caller }) => {
      requireOwnClient(caller, wanted.clientId);
      const filter = { ...wanted, clientId: clientScope(caller) ?? wanted.clientId };
      const afterKey = cursor === undefined ? "" : decodeCursor(cursor, (key) => key !== "");
      const [found, total] = await Promise.all([
        listDestinations(sql, filter, { limit: limit + 1, afterKey }),
        countDestinations(sql, filter),
      ]);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        status,
        destinations: page.map(destinationJson),
        total,
        nextCursor: found.length > limit && last ? encodeCursor(last.key) : null,
      };
    },
  );

  app.get(
    "/destinations/:destination",
    {
      schema: {
        tags,
        summary: "One destination and its state",
        description:
          "A client sees its own endpoints, and a URL without an endpoint while deliveries of its own wait for it.",
        params: DestinationParams,
        response: { 200: Success({ destination: DestinationSchema }), ...errors(404) },
      },
    },
    async ({ params, caller }) => {
      const clientId = clientScope(caller);
      const [found] = await describeDestinations(sql, [params.destination]);
      const isShown =
        found !== undefined &&
        (clientId === undefined ||
          found.clientId === clientId ||
          (found.endpointId === null && (await isWaitedForBy(sql, { clientId, key: found.key }))));
      if (!isShown) {
        throw new DomainError("not_found", "Nothing was sent to such a destination.");
      }
      return { status, destination: destinationJson(found) };
    },
  );
};
