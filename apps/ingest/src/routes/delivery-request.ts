/** From a validated body to what acceptDelivery takes; refuses the combinations a schema cannot. */
import type { Static } from "typebox";
import type { Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DEFAULT_EVENT_TYPE } from "@webhook-delivery/shared/core/delivery.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { memberText } from "@webhook-delivery/shared/core/json-text.ts";
import type { DeliveryRequest } from "@webhook-delivery/shared/dispatch/accept-delivery.ts";
import type { NewDeliveryBody } from "./schemas.ts";

type Body = Static<typeof NewDeliveryBody>;

export interface RequestContext {
  readonly caller: Caller;
  /** The JSON that the body was parsed from. */
  readonly bodyText: string;
  readonly idempotencyKey: string | undefined;
}

export function toDeliveryRequest(body: Body, context: RequestContext): DeliveryRequest {
  const { caller, bodyText, idempotencyKey } = context;
  return {
    caller,
    target: targetOf(body),
    content: contentOf(body, bodyText),
    leadChanges: leadChangesOf(body),
    campaignName: body.campaignName ?? null,
    customFields: body.customFields ?? {},
    eventType: body.eventType ?? DEFAULT_EVENT_TYPE,
    format: body.format ?? "auto",
    maxAttempts: body.maxAttempts ?? null,
    metadataText: body.metadata ? (memberText(bodyText, "metadata") ?? null) : null,
    isTestDelivery: body.test === true,
    idempotency:
      idempotencyKey === undefined ? null : { key: idempotencyKey, requestText: bodyText },
  };
}

function targetOf({ webhookUrl, webhookSecret, endpointId }: Body): DeliveryRequest["target"] {
  const hasUrl = webhookUrl !== undefined && webhookUrl !== null;
  const hasEndpoint = endpointId !== undefined && endpointId !== null;
  if (hasUrl && !hasEndpoint) {
    return { kind: "url", webhookUrl, webhookSecret: webhookSecret ?? null };
  }
  if (hasEndpoint && !hasUrl && !webhookSecret) return { kind: "endpoint", endpointId };
  const problem = hasEndpoint
    ? "an endpoint has its own URL and secret: give neither webhookUrl nor webhookSecret"
    : "must have webhookUrl or endpointId";
  throw new DomainError("invalid_request", "It is not clear where to deliver.", [
    { field: hasEndpoint ? "body.endpointId" : "body.webhookUrl", message: problem },
  ]);
}

function contentOf(body: Body, bodyText: string): DeliveryRequest["content"] {
  const leadId = body.leadId ?? null;
  if (body.test === true) return { kind: "sample" };
  if (body.payload !== undefined && body.payload !== null) {
    return { kind: "payload", payloadText: memberText(bodyText, "payload") ?? "null", leadId };
  }
  if (leadId !== null) return { kind: "lead", leadId };
  throw new DomainError("invalid_request", "Nothing to deliver.", [
    { field: "body", message: "must have one of leadId, payload or test: true" },
  ]);
}

function leadChangesOf({ lead, leadId, test }: Body): DeliveryRequest["leadChanges"] {
  if (!lead || test === true) return null;
  if (!leadId) {
    throw new DomainError("invalid_request", "A lead is written under its id.", [
      { field: "body.leadId", message: "must be given together with lead" },
    ]);
  }
  return { leadId, changes: { ...lead, customFields: lead.customFields } };
}

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && IDEMPOTENCY_KEY.test(header)) return header;
  throw new DomainError("invalid_idempotency_key", "The Idempotency-Key cannot be used.", [
    { field: "headers.idempotency-key", message: "must be 1 to 255 printable ASCII characters" },
  ]);
}
