/** `/endpoints`: register receivers, show, change and remove them. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type, type Static } from "typebox";
import { clientScope, type Caller } from "@webhook-delivery/shared/core/caller.ts";
import { decodeCursor, encodeCursor } from "@webhook-delivery/shared/core/cursor.ts";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { describeDestinations } from "@webhook-delivery/shared/db/destination-list.ts";
import { countEndpoints, listEndpoints } from "@webhook-delivery/shared/db/endpoint-list.ts";
import { findEndpoint, type Endpoint } from "@webhook-delivery/shared/db/endpoints.ts";
import { endpointTotals } from "@webhook-delivery/shared/db/stats.ts";
import { refuseUnstorable } from "@webhook-delivery/shared/db/unstorable.ts";
import {
  changeEndpoint,
  noSuchEndpoint,
  registerEndpoint,
  registerForSource,
  type EndpointChanges,
  type RegisterDeps,
} from "@webhook-delivery/shared/dispatch/register-endpoint.ts";
import { removeEndpoint } from "@webhook-delivery/shared/dispatch/remove-endpoint.ts";
import { endpointJson, inMilliseconds } from "./endpoint-json.ts";
import {
  EndpointForSourceBody,
  EndpointListQuery,
  EndpointPatchBody,
  EndpointSchema,
  NewEndpointBody,
  ShownSecret,
  SourceParams,
} from "./endpoint-schemas.ts";
import { chooseOwner, requireOwnClient } from "./owner.ts";
import { errors, IdParams, PageFields, Success } from "./schemas.ts";

const tags = ["endpoints"];
const status = "success" as const;
const DEFAULT_LIMIT = 50;
const OneEndpoint = Success({ endpoint: EndpointSchema });
const WithSecret = Success({ endpoint: EndpointSchema, secret: ShownSecret });

export const endpointRoutes: FastifyPluginAsyncTypebox<RegisterDeps> = async (app, deps) => {
  const { sql } = deps;

  app.post(
    "/endpoints",
    {
      schema: {
        tags,
        summary: "Register an endpoint",
        description: "The secret is in this answer and in those of a rotation, and nowhere else.",
        body: NewEndpointBody,
        response: { 201: WithSecret, ...errors(400, 404, 413, 415, 503) },
      },
    },
    async ({ body, caller }, reply) => {
      const clientId = await chooseOwner(sql, caller, body.clientId);
      const wanted = { ...changesOf(body), clientId, registeredSource: null };
      const registered = await refuseUnstorable(() => registerEndpoint(deps, wanted));
      if (registered === undefined) throw new Error("an endpoint without a source was taken");
      const { endpoint, secret } = registered;
      return reply.code(201).send({ status, endpoint: await shown(sql, endpoint), secret });
    },
  );

  app.put(
    "/endpoints/by-source/:source",
    {
      schema: {
        tags,
        summary: "Register or update the one endpoint of a source",
        description:
          "One per client and source, for instance a phone number. It gets the events of that source, and of those that `sources` names; an empty list means every source. 201 with its secret when it was not there.",
        params: SourceParams,
        body: EndpointForSourceBody,
        response: { 200: OneEndpoint, 201: WithSecret, ...errors(400, 404, 413, 415, 503) },
      },
    },
    async ({ params: { source }, body, caller }, reply) => {
      const clientId = await chooseOwner(sql, caller, body.clientId);
      const { endpoint, secret } = await refuseUnstorable(() =>
        registerForSource(deps, { ...changesOf(body), clientId, registeredSource: source }),
      );
      const json = await shown(sql, endpoint);
      if (secret === undefined) return { status, endpoint: json };
      return reply.code(201).send({ status, endpoint: json, secret });
    },
  );

  app.get(
    "/endpoints",
    {
      schema: {
        tags,
        summary: "List endpoints, newest first",
        querystring: EndpointListQuery,
        response: {
          200: Success({ endpoints: Type.Array(EndpointSchema), ...PageFields }),
          ...errors(400, 404),
        },
      },
    },
    async ({ query, caller }) => {
      const { limit = DEFAULT_LIMIT, cursor, ...wanted } = query;
      requireOwnClient(caller, wanted.clientId);
      const filter = { ...wanted, clientId: clientScope(caller) ?? wanted.clientId };
      const beforeId = cursor === undefined ? undefined : decodeCursor(cursor);
      const [found, total] = await Promise.all([
        listEndpoints(sql, filter, { limit: limit + 1, beforeId }),
        countEndpoints(sql, filter),
      ]);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        status,
        endpoints: await shownAll(sql, page),
        total,
        nextCursor: found.length > limit && last ? encodeCursor(last.id) : null,
      };
    },
  );

  app.get(
    "/endpoints/:id",
    {
      schema: {
        tags,
        summary: "One endpoint",
        params: IdParams,
        response: { 200: OneEndpoint, ...errors(404) },
      },
    },
    async ({ params, caller }) => {
      const endpoint = await requireEndpoint(sql, params.id, caller);
      return { status, endpoint: await shown(sql, endpoint) };
    },
  );

  app.patch(
    "/endpoints/:id",
    {
      schema: {
        tags,
        summary: "Change an endpoint",
        description:
          "Its URL, secret, headers, timeout, attempts and schedule hold from the next attempt on, also for deliveries that wait. Their bodies stay as they are: the format holds for new ones.",
        params: IdParams,
        body: EndpointPatchBody,
        response: { 200: OneEndpoint, ...errors(400, 404, 413, 415, 503) },
      },
    },
    async ({ params, body, caller }) => {
      const key = endpointKey(params.id, caller);
      const endpoint = await refuseUnstorable(() => changeEndpoint(deps, key, changesOf(body)));
      return { status, endpoint: await shown(sql, endpoint) };
    },
  );

  app.delete(
    "/endpoints/:id",
    {
      schema: {
        tags,
        summary: "Remove an endpoint",
        description: "Deliveries that wait for it end as cancelled; the history stays.",
        params: IdParams,
        response: {
          200: Success({ cancelled: Type.Integer({ minimum: 0, examples: [0] }) }),
          ...errors(404, 503),
        },
      },
    },
    async ({ params, caller }) => {
      const cancelled = await removeEndpoint(sql, endpointKey(params.id, caller));
      return { status, cancelled };
    },
  );
};

export function endpointKey(id: string, caller: Caller) {
  return { id: isUuid(id) ? id : noSuchEndpoint(), clientId: clientScope(caller) };
}

export async function requireEndpoint(sql: Sql, id: string, caller: Caller): Promise<Endpoint> {
  return (await findEndpoint(sql, endpointKey(id, caller))) ?? noSuchEndpoint();
}

export async function shown(sql: Sql, endpoint: Endpoint) {
  const [json] = await shownAll(sql, [endpoint]);
  if (json === undefined) throw new Error("an endpoint was lost on the way");
  return json;
}

async function shownAll(sql: Sql, endpoints: readonly Endpoint[]) {
  const ids = endpoints.map(({ id }) => id);
  const [totals, found] = await Promise.all([
    endpointTotals(sql, ids),
    describeDestinations(sql, ids),
  ]);
  const destinations = new Map(found.map((one) => [one.key, one]));
  return endpoints.map((endpoint) =>
    endpointJson(endpoint, {
      totals: totals.get(endpoint.id),
      destination: destinations.get(endpoint.id),
    }),
  );
}

function changesOf({
  retryScheduleSeconds,
  ...changes
}: Static<typeof EndpointPatchBody>): EndpointChanges {
  return { ...changes, retryScheduleMs: inMilliseconds(retryScheduleSeconds) };
}
