/** What can be done with an endpoint: rotate its secret, switch it on and off, see how it fares. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { inTransaction, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { countMissed, disableEndpoint } from "@webhook-delivery/shared/db/endpoint-health.ts";
import { enableEndpoint, type EndpointKey } from "@webhook-delivery/shared/db/endpoints.ts";
import { readStats } from "@webhook-delivery/shared/db/stats.ts";
import {
  rotateSecret,
  type RegisterDeps,
} from "@webhook-delivery/shared/dispatch/register-endpoint.ts";
import { DeliveryPage, listPage } from "./delivery-page.ts";
import {
  EndpointDeliveriesQuery,
  EndpointSchema,
  MissedSchema,
  RotationBody,
  ShownSecret,
} from "./endpoint-schemas.ts";
import { endpointKey, requireEndpoint, shown } from "./endpoints.ts";
import { errors, IdParams, Success } from "./schemas.ts";
import { DEFAULT_DAYS, StatsDaysQuery, StatsSchema } from "./stats-schemas.ts";

const tags = ["endpoints"];
const status = "success" as const;
const DEFAULT_GRACE_SECONDS = 86_400;

export const endpointActionRoutes: FastifyPluginAsyncTypebox<RegisterDeps> = async (app, deps) => {
  const { sql } = deps;

  app.post(
    "/endpoints/:id/rotate-secret",
    {
      schema: {
        tags,
        summary: "Give it a new secret",
        description: "Until the grace period ends every attempt carries a signature with each.",
        params: IdParams,
        body: RotationBody,
        response: {
          200: Success({ endpoint: EndpointSchema, secret: ShownSecret }),
          ...errors(400, 404, 503),
        },
      },
    },
    async ({ params, body, caller }) => {
      const { gracePeriodSeconds = DEFAULT_GRACE_SECONDS, secret: given = null } = body ?? {};
      const { endpoint, secret } = await rotateSecret(deps, endpointKey(params.id, caller), {
        secret: given,
        graceMs: gracePeriodSeconds * 1_000,
      });
      return { status, endpoint: await shown(sql, endpoint), secret };
    },
  );

  app.post(
    "/endpoints/:id/enable",
    {
      schema: {
        tags,
        summary: "Enable it",
        description: "Says what it missed, and how to send that again.",
        params: IdParams,
        response: {
          200: Success({ endpoint: EndpointSchema, missed: MissedSchema }),
          ...errors(404, 503),
        },
      },
    },
    async ({ params, caller }) => {
      const key = endpointKey(params.id, caller);
      const before = await inTransaction(sql, (tx) => enableEndpoint(tx, key));
      const endpoint = await requireEndpoint(sql, params.id, caller);
      const missed =
        before && (await missedSince(sql, key, before.failingSince ?? before.disabledAt));
      return { status, endpoint: await shown(sql, endpoint), missed: missed ?? null };
    },
  );

  app.post(
    "/endpoints/:id/disable",
    {
      schema: {
        tags,
        summary: "Disable it",
        description:
          "From now on its deliveries fail as endpoint_disabled without an attempt, and can be replayed.",
        params: IdParams,
        response: { 200: Success({ endpoint: EndpointSchema }), ...errors(404, 503) },
      },
    },
    async ({ params, caller }) => {
      const { id } = await requireEndpoint(sql, params.id, caller);
      await disableEndpoint(sql, { id, reason: "manual", minFailures: 0 });
      const endpoint = await requireEndpoint(sql, id, caller);
      return { status, endpoint: await shown(sql, endpoint) };
    },
  );

  app.get(
    "/endpoints/:id/stats",
    {
      schema: {
        tags: ["endpoints", "statistics"],
        summary: "Statistics of one endpoint",
        params: IdParams,
        querystring: StatsDaysQuery,
        response: { 200: StatsSchema, ...errors(400, 404) },
      },
    },
    async ({ params, query: { days = DEFAULT_DAYS }, caller }) => {
      const { id } = await requireEndpoint(sql, params.id, caller);
      return { status, ...(await readStats(sql, { days, endpointId: id })) };
    },
  );

  app.get(
    "/endpoints/:id/deliveries",
    {
      schema: {
        tags,
        summary: "The deliveries of one endpoint, newest first",
        params: IdParams,
        querystring: EndpointDeliveriesQuery,
        response: { 200: DeliveryPage, ...errors(400, 404) },
      },
    },
    async ({ params, query, caller }) => {
      const { id } = await requireEndpoint(sql, params.id, caller);
      return listPage(sql, { ...query, endpointId: id });
    },
  );
};

async function missedSince(sql: Sql, { id: endpointId }: EndpointKey, failingSince: Date) {
  const missed = await countMissed(sql, endpointId, failingSince);
  const since = missed.since.toISOString();
  return {
    since,
    deliveries: missed.count,
    replay: { since, endpointId, deliveryStatus: "failed" as const },
  };
}
