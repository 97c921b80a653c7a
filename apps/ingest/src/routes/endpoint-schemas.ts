/** Endpoints, as requests and answers have them. */
import { Type } from "typebox";
import { MAX_ATTEMPTS, MIN_ATTEMPTS } from "@webhook-delivery/shared/core/delivery.ts";
import { LONGEST_PEM } from "@webhook-delivery/shared/core/endpoint-tls.ts";
import { DISABLED_REASONS } from "@webhook-delivery/shared/core/endpoint-health.ts";
import { REQUESTED_FORMATS } from "@webhook-delivery/shared/core/formats/registry.ts";
import { SUBSCRIPTION_PATTERN } from "@webhook-delivery/shared/core/subscription.ts";
import { CircuitSchema } from "./destination-schemas.ts";
import {
  AnyObject,
  DeliveryListQuery,
  Nullable,
  OneOf,
  SHORT_TEXT,
  Timestamp,
  Uuid,
} from "./schemas.ts";

const ENDPOINT_STATUSES = ["active", "failing", "disabled"] as const;
const LONGEST_WAIT_SECONDS = 2_592_000;
export const LONGEST_TIMEOUT_MS = 120_000;
const SHORTEST_TIMEOUT_MS = 100;
const LONGEST_LIST = 200;

const url = Type.String({
  minLength: 1,
  description: "Private addresses are refused, as for any delivery.",
  examples: ["https://example.com/webhooks"],
});

const secret = Type.Optional(
  Nullable(
    Type.String({
      minLength: 1,
      maxLength: 512,
      description: "whsec_ + base64, or any other text as its UTF-8 bytes.",
      examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    }),
  ),
);

const pem = (description: string) =>
  Type.Optional(Nullable(Type.String({ maxLength: LONGEST_PEM, description })));

const tls = Type.Optional(
  Nullable(
    Type.Object(
      {
        certificate: pem(
          "PEM: the client certificate for a receiver that asks for one, then its chain.",
        ),
        privateKey: pem("PEM, without a passphrase: the key of that certificate."),
        ca: pem(
          "PEM: the receiver's certificate is checked against these authorities, instead of the public ones.",
        ),
      },
      {
        additionalProperties: false,
        description:
          "Stored encrypted and shown as `***`, which sent back means: as it is. In a change, what is not named stays; null: none.",
      },
    ),
  ),
);

/** Null: as if it were not set, that is as the process is configured. */
const settings = {
  name: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
  eventTypes: Type.Optional(
    Type.Array(Type.String({ ...SHORT_TEXT, pattern: SUBSCRIPTION_PATTERN }), {
      maxItems: LONGEST_LIST,
      description: "Exact types and `prefix.*`; empty: all.",
      examples: [["message.received", "lead.*"]],
    }),
  ),
  sources: Type.Optional(
    Type.Array(Type.String(SHORT_TEXT), {
      maxItems: LONGEST_LIST,
      description: "Only events of these sources (phone numbers, instances); empty: all.",
    }),
  ),
  format: Type.Optional(OneOf(REQUESTED_FORMATS, { default: "auto" })),
  headers: Type.Optional(
    Nullable(
      Type.Record(Type.String(), Type.String(), {
        description:
          "Sent with every attempt; stored encrypted and shown as `***`, which sent back means: as it is. Headers of the service itself cannot be set.",
        examples: [{ authorization: "Bearer token" }],
      }),
    ),
  ),
  tls,
  maxAttempts: Type.Optional(
    Nullable(Type.Integer({ minimum: MIN_ATTEMPTS, maximum: MAX_ATTEMPTS })),
  ),
  retryScheduleSeconds: Type.Optional(
    Nullable(
      Type.Array(Type.Number({ minimum: 0, maximum: LONGEST_WAIT_SECONDS }), {
        minItems: 1,
        maxItems: MAX_ATTEMPTS - 1,
        description:
          "Waits before attempts 2, 3, …; without maxAttempts one attempt more than waits.",
        examples: [[5, 25, 125]],
      }),
    ),
  ),
  timeoutMs: Type.Optional(
    Nullable(Type.Integer({ minimum: SHORTEST_TIMEOUT_MS, maximum: LONGEST_TIMEOUT_MS })),
  ),
  rateLimitPerSecond: Type.Optional(
    Nullable(Type.Number({ exclusiveMinimum: 0, maximum: 10_000 })),
  ),
  maxInFlight: Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 1_000 }))),
  ordered: Type.Optional(
    Type.Boolean({
      description:
        "One delivery at a time, in the order of acceptance; a failing one holds those behind it until it is final.",
    }),
  ),
  enabled: Type.Optional(Type.Boolean()),
  metadata: Type.Optional(Nullable(AnyObject)),
};

const owner = {
  clientId: Type.Optional(
    Nullable(Type.Unsafe<string>({ ...Uuid, description: "Whose it is to be; for operators." })),
  ),
};

const bodyExample = {
  url: "https://example.com/webhooks",
  name: "Orders",
  eventTypes: ["message.received", "lead.*"],
  sources: ["+15550001111"],
};

export const NewEndpointBody = Type.Object(
  { url, secret, ...settings, ...owner },
  { examples: [bodyExample] },
);
export const EndpointPatchBody = Type.Object(
  { url: Type.Optional(url), secret, ...settings },
  { description: "Only what is given changes.", examples: [{ url: "https://example.com/new" }] },
);
export const EndpointForSourceBody = Type.Object(
  { url: Type.Optional(url), secret, ...settings, ...owner },
  {
    description: "`url` is needed to register; afterwards only what is given changes.",
    examples: [{ url: "https://example.com/webhooks", eventTypes: ["message.*"] }],
  },
);

export const SourceParams = Type.Object({
  source: Type.String({ ...SHORT_TEXT, examples: ["+15550001111"] }),
});

export const RotationBody = Nullable(
  Type.Object(
    {
      gracePeriodSeconds: Type.Optional(
        Type.Number({ minimum: 0, maximum: LONGEST_WAIT_SECONDS, default: 86_400 }),
      ),
      secret,
    },
    { examples: [{ gracePeriodSeconds: 86_400 }] },
  ),
);

const endpointExample = {
  id: "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
  clientId: null,
  name: "Orders",
  url: "https://example.com/webhooks",
  source: null,
  eventTypes: ["message.received", "lead.*"],
  sources: [],
  format: "auto",
  headers: { authorization: "***" },
  tls: null,
  maxAttempts: null,
  retryScheduleSeconds: null,
  timeoutMs: null,
  rateLimitPerSecond: null,
  maxInFlight: null,
  ordered: false,
  enabled: true,
  metadata: null,
  status: "active",
  disabledReason: null,
  disabledAt: null,
  circuit: null,
  failureCount: 0,
  failingSince: null,
  lastError: null,
  lastAttemptAt: "2026-11-21T10:00:00.120Z",
  lastSuccessAt: "2026-11-21T10:00:00.120Z",
  successRate: 1,
  totalEvents: 42,
  rotationEndsAt: null,
  createdAt: "2026-11-20T09:00:00.000Z",
  updatedAt: "2026-11-20T09:00:00.000Z",
};

export const EndpointSchema = Type.Object(
  {
    id: Uuid,
    clientId: Nullable(Uuid),
    name: Nullable(Type.String()),
    url: Type.String(),
    source: Nullable(
      Type.String({ description: "Registered with PUT /endpoints/by-source/:source." }),
    ),
    eventTypes: Type.Array(Type.String()),
    sources: Type.Array(Type.String()),
    format: OneOf(REQUESTED_FORMATS),
    headers: Type.Record(Type.String(), Type.String(), { description: "Values masked." }),
    tls: Nullable(
      Type.Object(
        {
          certificate: Nullable(Type.String()),
          privateKey: Nullable(Type.String()),
          ca: Nullable(Type.String()),
        },
        { description: "Which of them there are, each as `***`; null: none." },
      ),
    ),
    maxAttempts: Nullable(Type.Integer()),
    retryScheduleSeconds: Nullable(Type.Array(Type.Number())),
    timeoutMs: Nullable(Type.Integer()),
    rateLimitPerSecond: Nullable(Type.Number()),
    maxInFlight: Nullable(Type.Integer()),
    ordered: Type.Boolean(),
    enabled: Type.Boolean(),
    metadata: Nullable(AnyObject),
    status: OneOf(ENDPOINT_STATUSES, {
      description: "failing: enabled, and its latest attempt failed.",
    }),
    disabledReason: Nullable(OneOf(DISABLED_REASONS)),
    disabledAt: Nullable(Timestamp),
    circuit: CircuitSchema,
    failureCount: Type.Integer({ description: "Attempts that failed since the last success." }),
    failingSince: Nullable(Timestamp),
    lastError: Nullable(Type.String()),
    lastAttemptAt: Nullable(Timestamp),
    lastSuccessAt: Nullable(Timestamp),
    successRate: Nullable(Type.Number({ description: "Of its finished deliveries." })),
    totalEvents: Type.Integer({ description: "Its deliveries, of whatever state." }),
    rotationEndsAt: Nullable(
      Type.Unsafe<string>({ ...Timestamp, description: "Until then older secrets sign as well." }),
    ),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  },
  { examples: [endpointExample] },
);

export const ShownSecret = Type.String({
  description: "Shown now and never again.",
  examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
});

export const MissedSchema = Nullable(
  Type.Object(
    {
      since: Timestamp,
      deliveries: Type.Integer({ description: "Failed since then, counted up to 10,000." }),
      replay: Type.Object(
        { since: Timestamp, endpointId: Uuid, deliveryStatus: Type.Literal("failed") },
        { description: "The body for POST /webhook-delivery/replay that sends them again." },
      ),
    },
    { description: "What it missed while it was failing or disabled; null: it was enabled." },
  ),
);

export const EndpointListQuery = Type.Object({
  clientId: Type.Optional(Uuid),
  source: Type.Optional(Type.String(SHORT_TEXT)),
  status: Type.Optional(OneOf(ENDPOINT_STATUSES)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String()),
});

export const EndpointDeliveriesQuery = Type.Omit(DeliveryListQuery, ["endpointId", "clientId"]);
