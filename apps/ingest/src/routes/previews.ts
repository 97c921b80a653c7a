/** `/formats/:format/preview`: the body that a delivery would have, before it is made. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { DEFAULT_EVENT_TYPE } from "@webhook-delivery/shared/core/delivery.ts";
import { FORMAT_NAMES, REQUESTED_FORMATS } from "@webhook-delivery/shared/core/formats/registry.ts";
import { previewBody } from "@webhook-delivery/shared/dispatch/preview-body.ts";
import type { TargetDeps } from "@webhook-delivery/shared/dispatch/target.ts";
import { contentOf, findMissingContent, leadChangesOf, targetOf } from "./delivery-request.ts";
import { BODY_AS_SENT, errors, NewDeliveryBody, OneOf, Success } from "./schemas.ts";

const PreviewParams = Type.Object({
  format: OneOf(REQUESTED_FORMATS, { examples: ["standard"] }),
});

export const previewRoutes: FastifyPluginAsyncTypebox<TargetDeps> = async (app, deps) => {
  app.post(
    "/formats/:format/preview",
    {
      config: { findConflicts: findMissingContent },
      schema: {
        tags: ["deliveries"],
        summary: "The body that a delivery would have",
        description:
          "Takes what POST /webhook-delivery takes, needs neither webhookUrl nor endpointId, stores nothing and sends nothing. In the format `auto` the webhookUrl or the endpoint decides, without them it is standard.",
        params: PreviewParams,
        body: NewDeliveryBody,
        response: {
          200: Success({
            format: OneOf(FORMAT_NAMES, { examples: ["standard"] }),
            body: Type.String({
              description: BODY_AS_SENT,
              examples: ['{"event":"lead.captured","data":{}}'],
            }),
          }),
          ...errors(400, 404, 413, 415, 503),
        },
      },
    },
    async ({ params, body, bodyText, caller }) => {
      const hasTarget = Boolean(body.webhookUrl) || Boolean(body.endpointId);
      const preview = await previewBody(deps, {
        caller,
        format: params.format,
        eventType: body.eventType ?? DEFAULT_EVENT_TYPE,
        target: hasTarget ? targetOf(body) : null,
        content: contentOf(body, bodyText),
        leadChanges: leadChangesOf(body),
        campaignName: body.campaignName ?? null,
        customFields: body.customFields ?? {},
        now: new Date(),
      });
      return { status: "success" as const, ...preview };
    },
  );
};
