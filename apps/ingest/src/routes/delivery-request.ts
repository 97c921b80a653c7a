/** From a validated body to what acceptDelivery takes, and the combinations that a schema cannot refuse. */
import type { Static } from "typebox";
import type { Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DEFAULT_EVENT_TYPE } from "@webhook-delivery/shared/core/delivery.ts";
import { DomainError, type ErrorDetail } from "@webhook-delivery/shared/core/errors.ts";
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

/** What a schema cannot say; also of a body that does not fit its schema. */
export function findConflicts(body: unknown): ErrorDetail[] {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return [];
  const given = body as Readonly<Record<string, unknown>>;
  const has = (name: string): boolean => given[name] !== undefined && given[name] !== null;
  const found: ErrorDetail[] = [];
  const add = (field: string, message: string) => void found.push({ field, message });
  if (has("endpointId") && (has("webhookUrl") || has("webhookSecret"))) {
    add(
      "body.endpointId",
      "an endpoint has its own URL and secret: give neither webhookUrl nor webhookSecret",
    );
  } else if (!has("endpointId") && !has("webhookUrl")) {
    add("body.webhookUrl", "must have webhookUrl or endpointId");
  }
  return [...found, ...findMissingContent(body)];
}

/** Of a body, whatever it says of where to. */
export function findMissingContent(body: unknown): ErrorDetail[] {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return [];
  const given = body as Readonly<Record<string, unknown>>;
  const has = (name: string): boolean => given[name] !== undefined && given[name] !== null;
  const found: ErrorDetail[] = [];
  const add = (field: string, message: string) => void found.push({ field, message });
  const isTest = given["test"] === true;
  if (!isTest && !has("payload") && !has("leadId")) {
    // Where a lead came along, its id is what is missing.
    if (has("lead")) add("body.leadId", "must be given together with lead");
    else add("body", "must have one of leadId, payload or test: true");
  } else if (!isTest && has("lead") && !given["leadId"]) {
    add("body.leadId", "must be given together with lead");
  }
  return found;
}

/** `findConflicts` has found none. */
export function targetOf({
  webhookUrl,
  webhookSecret,
  endpointId,
}: Body): DeliveryRequest["target"] {
  if (endpointId !== undefined && endpointId !== null) return { kind: "endpoint", endpointId };
  return { kind: "url", webhookUrl: webhookUrl ?? "", webhookSecret: webhookSecret ?? null };
}

export function contentOf(body: Body, bodyText: string): DeliveryRequest["content"] {
  const leadId = body.leadId ?? null;
  if (body.test === true) return { kind: "sample" };
  if (body.payload !== undefined && body.payload !== null) {
    return { kind: "payload", payloadText: memberText(bodyText, "payload") ?? "null", leadId };
  }
  return { kind: "lead", leadId: leadId ?? "" };
}

export function leadChangesOf({ lead, leadId, test }: Body): DeliveryRequest["leadChanges"] {
  if (!lead || !leadId || test === true) return null;
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
