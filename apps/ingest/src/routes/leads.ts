/** `/leads/:id`: the leads that deliveries are about. Ids are their owner's own. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  findLeadRecord,
  upsertLeadRecord,
  type LeadRecord,
} from "@webhook-delivery/shared/db/leads.ts";
import { refuseUnstorable } from "@webhook-delivery/shared/db/unstorable.ts";
import { LeadBody, LeadParams, LeadSchema } from "./leads-schemas.ts";
import { chooseOwner } from "./owner.ts";
import { errors, Success, Uuid } from "./schemas.ts";

const tags = ["leads"];
const ClientQuery = Type.Object({
  clientId: Type.Optional(
    Type.Unsafe<string>({ ...Uuid, description: "For operators: whose lead. Default: their own." }),
  ),
});

export const leadRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.put(
    "/leads/:id",
    {
      schema: {
        tags,
        summary: "Write a lead",
        description:
          "Makes it, or changes just the fields that are given: null clears one. Deliveries that were accepted before keep the lead as it was.",
        params: LeadParams,
        querystring: ClientQuery,
        body: LeadBody,
        response: { 200: Success({ lead: LeadSchema }), ...errors(400, 404, 413, 415) },
      },
    },
    async ({ params: { id }, query, body, caller }) => {
      const clientId = await chooseOwner(sql, caller, query.clientId);
      const lead = await refuseUnstorable(() => upsertLeadRecord(sql, { id, clientId }, body));
      return { status: "success" as const, lead: leadJson(lead) };
    },
  );

  app.get(
    "/leads/:id",
    {
      schema: {
        tags,
        summary: "One lead",
        params: LeadParams,
        querystring: ClientQuery,
        response: { 200: Success({ lead: LeadSchema }), ...errors(400, 404) },
      },
    },
    async ({ params: { id }, query, caller }) => {
      const clientId = await chooseOwner(sql, caller, query.clientId);
      const lead = await findLeadRecord(sql, { id, clientId });
      if (lead === undefined) throw new DomainError("lead_not_found", "There is no such lead.");
      return { status: "success" as const, lead: leadJson(lead) };
    },
  );
};

function leadJson({ lead, status, createdAt, updatedAt }: LeadRecord) {
  return {
    ...lead,
    status,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
