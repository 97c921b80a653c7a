/** What requests and answers look like: checked at the door and published as OpenAPI, written once. */
import { Type, type Static, type TSchema } from "typebox";
import {
  DEFAULT_EVENT_TYPE,
  DELIVERY_ERROR_TYPES,
  DELIVERY_STATUSES,
  ERROR_TYPES,
  MAX_ATTEMPTS,
  MIN_ATTEMPTS,
} from "@webhook-delivery/shared/core/delivery.ts";
import type { ErrorCode } from "@webhook-delivery/shared/core/errors.ts";
import { FORMAT_NAMES, REQUESTED_FORMATS } from "@webhook-delivery/shared/core/formats/registry.ts";
import { attemptExample, deliveryExample, payloadExample } from "./delivery-examples.ts";

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const OneOf = <T extends string>(values: readonly T[], options = {}) =>
  Type.Unsafe<T>({ type: "string", enum: [...values], ...options });
export const Timestamp = Type.String({
  format: "date-time",
  examples: ["2026-11-21T10:00:00.000Z"],
});
export const Uuid = Type.String({ format: "uuid" });
export const AnyObject = Type.Record(Type.String(), Type.Unknown());

// Long enough for anything real, short enough for an index entry.
export const SHORT_TEXT = { minLength: 1, maxLength: 255 };
const LONG_TEXT = { maxLength: 2_048 };

const DeliveryStatusSchema = OneOf(DELIVERY_STATUSES);
const EventType = Type.String({
  ...SHORT_TEXT,
  // It travels as a header: visible ASCII, no spaces.
  pattern: "^[\\x21-\\x7e]+$",
  default: DEFAULT_EVENT_TYPE,
  examples: ["lead.captured"],
});

/** A lead as it is written; absent fields stay as they are. */
export const LeadFields = Type.Object({
  email: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  firstName: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  lastName: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  linkedinId: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  linkedinUrl: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  company: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  title: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  source: Type.Optional(Nullable(Type.String(LONG_TEXT))),
  capturedAt: Type.Optional(Nullable(Timestamp)),
  customFields: Type.Optional(
    Nullable(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "Merged with what is there; null removes all.",
      }),
    ),
  ),
});

export const NewDeliveryBody = Type.Object(
  {
    webhookUrl: Type.Optional(
      Nullable(Type.String({ minLength: 1, examples: ["https://example.com/webhooks"] })),
    ),
    endpointId: Type.Optional(
      Nullable(Type.String({ ...SHORT_TEXT, description: "Instead of a URL and a secret." })),
    ),
    webhookSecret: Type.Optional(
      Nullable(
        Type.String({
          minLength: 1,
          maxLength: 512,
          description:
            "Signs the delivery: whsec_ + base64, or any other text as its UTF-8 bytes. Without it nothing is signed.",
          examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        }),
      ),
    ),
    leadId: Type.Optional(Nullable(Type.String({ ...SHORT_TEXT, examples: ["test-lead-id"] }))),
    lead: Type.Optional(
      Type.Unsafe<Static<typeof LeadFields> | null>({
        ...Nullable(LeadFields),
        description: "Written to the leads table under leadId; absent fields stay as they are.",
      }),
    ),
    campaignName: Type.Optional(Nullable(Type.String(LONG_TEXT))),
    customFields: Type.Optional(Nullable(AnyObject)),
    payload: Type.Optional(
      Type.Unknown({ description: "Any JSON, sent on exactly as it is spelled here." }),
    ),
    eventType: Type.Optional(EventType),
    format: Type.Optional(OneOf(REQUESTED_FORMATS, { default: "auto" })),
    maxAttempts: Type.Optional(
      Nullable(Type.Integer({ minimum: MIN_ATTEMPTS, maximum: MAX_ATTEMPTS })),
    ),
    metadata: Type.Optional(Nullable(AnyObject)),
    test: Type.Optional(Type.Boolean({ description: "Send a sample lead." })),
  },
  {
    description: "webhookUrl or endpointId, and one of leadId, payload or test.",
    examples: [
      {
        leadId: "test-lead-id",
        webhookUrl: "https://example.com/webhooks",
        webhookSecret: "test-secret",
        campaignName: "Test Campaign",
      },
    ],
  },
);

export const BODY_AS_SENT =
  "What is sent, byte for byte in UTF-8: the payload in the delivery's format. The signature is of this. A format that makes several calls derives theirs from it.";

export const DeliverySchema = Type.Object(
  {
    id: Uuid,
    clientId: Nullable(Uuid),
    endpointId: Nullable(Uuid),
    leadId: Nullable(Type.String()),
    eventType: Type.String(),
    webhookUrl: Type.String({ description: "Query string masked." }),
    format: OneOf(FORMAT_NAMES),
    status: DeliveryStatusSchema,
    attempt: Type.Integer({ description: "Attempts made, with the one in flight." }),
    maxAttempts: Type.Integer(),
    responseStatus: Nullable(Type.Integer()),
    responseBody: Nullable(Type.String()),
    lastError: Nullable(Type.String()),
    errorType: Nullable(OneOf(DELIVERY_ERROR_TYPES)),
    sentAt: Nullable(Timestamp),
    nextRetryAt: Nullable(Timestamp),
    deliveredAt: Nullable(Timestamp),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    isTestDelivery: Type.Boolean(),
    metadata: Nullable(AnyObject),
  },
  { examples: [deliveryExample] },
);

export const AttemptSchema = Type.Object(
  {
    id: Type.String(),
    deliveryId: Uuid,
    attemptNumber: Type.Integer(),
    attemptedAt: Timestamp,
    durationMs: Type.Integer(),
    requestUrl: Nullable(
      Type.String({
        description: "Where this call went, when not to the delivery's own URL; query masked.",
      }),
    ),
    requestHeaders: Nullable(Type.Record(Type.String(), Type.String())),
    responseStatus: Nullable(Type.Integer()),
    responseHeaders: Nullable(Type.Record(Type.String(), Type.String())),
    responseBody: Nullable(Type.String()),
    error: Nullable(Type.String()),
    errorType: Nullable(OneOf(ERROR_TYPES)),
    willRetry: Type.Boolean(),
    retryAt: Nullable(Timestamp),
  },
  { examples: [attemptExample] },
);

export const DeliveryWithAttemptsSchema = Type.Interface(
  [DeliverySchema],
  {
    payload: Type.Unknown(),
    body: Type.String({ description: BODY_AS_SENT }),
    attempts: Type.Array(AttemptSchema),
  },
  {
    examples: [
      {
        ...deliveryExample,
        payload: payloadExample,
        body: JSON.stringify(payloadExample),
        attempts: [attemptExample],
      },
    ],
  },
);

export const DeliveryListQuery = Type.Object({
  deliveryId: Type.Optional(Uuid),
  leadId: Type.Optional(Type.String()),
  endpointId: Type.Optional(Uuid),
  clientId: Type.Optional(Uuid),
  eventType: Type.Optional(Type.String()),
  deliveryStatus: Type.Optional(DeliveryStatusSchema),
  status: Type.Optional(DeliveryStatusSchema),
  since: Type.Optional(Timestamp),
  until: Type.Optional(Timestamp),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: "An id, or how a lead id, an event type or a URL begins.",
    }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String()),
});

/** Beside the rows of a page. */
export const PageFields = {
  total: Type.Integer({ minimum: 0, examples: [1] }),
  totalIsCapped: Type.Optional(
    Type.Boolean({ description: "There are more than `total`: it is counted up to 10,000." }),
  ),
  nextCursor: Type.Union([Type.String(), Type.Null()], {
    description: "For the query parameter `cursor` of the next page; null on the last one.",
    examples: [null],
  }),
};

export const IdParams = Type.Object({ id: Type.String() });

const Details = Type.Array(Type.Object({ field: Type.String(), message: Type.String() }));

export const WarningsField = Type.Optional(
  Type.Unsafe<Static<typeof Details>>({
    ...Details,
    description: "Fields of the request that are not known and were ignored.",
  }),
);

export const Success = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object({ status: Type.Literal("success"), ...properties, warnings: WarningsField });

const ERRORS: Readonly<Record<number, { means: string; code: ErrorCode | "unavailable" }>> = {
  400: { means: "The request cannot be used as it is", code: "invalid_request" },
  401: { means: "No API key, or an unknown one", code: "unauthorized" },
  403: { means: "This key may not", code: "forbidden" },
  404: { means: "There is no such thing, or it is not yours", code: "not_found" },
  405: { means: "The path does not take this method", code: "method_not_allowed" },
  409: { means: "It does not fit what is there", code: "idempotency_conflict" },
  413: { means: "The body is too large", code: "payload_too_large" },
  415: { means: "The body is not JSON", code: "unsupported_media_type" },
  429: { means: "More requests per second than this key may make", code: "rate_limited" },
  503: { means: "Not now: try again", code: "unavailable" },
};

/** `errors(404, 409)`: the answers a route can give besides its own, and besides 401 and 429. */
export const errors = (...statuses: readonly number[]) =>
  Object.fromEntries([401, ...statuses, 429].map((status) => [status, errorSchema(status)]));

export const ErrorFields = Type.Object({
  code: Type.String({ description: "Stable: branch on it." }),
  message: Type.String(),
  details: Type.Optional(Details),
});

export const NotReadyFields = Type.Object({
  code: Type.Literal("not_ready"),
  message: Type.String({ description: "What is missing and how to mend it." }),
  details: Type.Optional(Details),
});

function errorSchema(status: number) {
  const { means, code } = ERRORS[status] ?? { means: "Not done", code: "invalid_request" };
  const example = { status: "error", error: { code, message: `${means}.` } };
  return Type.Object(
    {
      status: Type.Literal("error"),
      error: ErrorFields,
    },
    { description: means, examples: [example] },
  );
}
