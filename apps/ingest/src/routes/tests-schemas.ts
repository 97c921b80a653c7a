/** Test deliveries, as requests and answers have them. */
import { Type } from "typebox";
import { REQUESTED_FORMATS } from "@webhook-delivery/shared/core/formats/registry.ts";
import { attemptExample, deliveryExample } from "./delivery-examples.ts";
import { AttemptSchema, DeliverySchema, Nullable, OneOf, SHORT_TEXT, Success } from "./schemas.ts";

const eventType = (description: string) =>
  Type.Optional(
    Type.String({
      ...SHORT_TEXT,
      pattern: "^[\\x21-\\x7e]+$",
      description,
      examples: ["message.received"],
    }),
  );

const payload = Type.Optional(
  Type.Unknown({
    description:
      "Any JSON, instead of the example of the event type. In the format whatsapp there must be one.",
  }),
);

export const EndpointTestBody = Nullable(
  Type.Object(
    {
      eventType: eventType(
        "Default: the first that the endpoint subscribes to by its full name, else the first known type that one of its patterns takes, else lead.captured.",
      ),
      payload,
    },
    { examples: [{ eventType: "message.received" }] },
  ),
);

export const UrlTestBody = Type.Object(
  {
    url: Type.String({ minLength: 1, examples: ["https://example.com/webhooks"] }),
    secret: Type.Optional(
      Nullable(
        Type.String({
          maxLength: 512,
          description: "Signs the test; without it nothing is signed.",
        }),
      ),
    ),
    eventType: eventType("Default: lead.captured."),
    format: Type.Optional(OneOf(REQUESTED_FORMATS, { default: "auto" })),
    payload,
  },
  { examples: [{ url: "https://example.com/webhooks", eventType: "message.received" }] },
);

const delivered = {
  status: "success",
  attempt: 1,
  maxAttempts: 1,
  leadId: null,
  responseStatus: 200,
  responseBody: "ok",
  lastError: null,
  errorType: null,
  nextRetryAt: null,
  deliveredAt: "2026-11-21T10:00:00.090Z",
  isTestDelivery: true,
};
const answered = {
  responseStatus: 200,
  responseBody: "ok",
  error: null,
  errorType: null,
  willRetry: false,
  retryAt: null,
};

export const TestResultSchema = Type.Interface(
  [
    Success({
      delivered: Type.Boolean({ description: "The receiver answered 2xx.", examples: [true] }),
      delivery: DeliverySchema,
      attempt: Nullable(AttemptSchema),
    }),
  ],
  {},
  {
    examples: [
      {
        status: "success",
        delivered: true,
        delivery: { ...deliveryExample, ...delivered },
        attempt: { ...attemptExample, ...answered },
      },
    ],
  },
);
