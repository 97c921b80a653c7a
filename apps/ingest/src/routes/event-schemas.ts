/** Events, as requests and answers have them. */
import { Type } from "typebox";
import { DeliverySchema, Nullable, SHORT_TEXT, Timestamp, Uuid } from "./schemas.ts";

const EventId = Type.String({
  ...SHORT_TEXT,
  description: "The publisher's own id: published again with it, the event is the same one.",
  examples: ["message-4711-received"],
});

export const NewEventBody = Type.Object(
  {
    type: Type.String({
      ...SHORT_TEXT,
      pattern: "^[\\x21-\\x7e]+$",
      examples: ["message.received"],
    }),
    data: Type.Unknown({ description: "Any JSON, sent on exactly as it is spelled here." }),
    source: Type.Optional(
      Nullable(Type.String({ ...SHORT_TEXT, description: "A phone number, an instance." })),
    ),
    clientId: Type.Optional(
      Nullable(Type.Unsafe<string>({ ...Uuid, description: "Whose event it is; for operators." })),
    ),
    eventId: Type.Optional(Nullable(EventId)),
    timestamp: Type.Optional(
      Nullable(
        Type.Unsafe<string>({ ...Timestamp, description: "When it happened; default: now." }),
      ),
    ),
  },
  {
    required: ["type", "data"],
    examples: [
      {
        type: "message.received",
        source: "+15550001111",
        eventId: "message-4711-received",
        data: { from: "+15550002222", text: "Hello" },
      },
    ],
  },
);

const DELIVERY_ID = "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f";

export const PublishedFields = {
  eventId: EventId,
  deliveries: Type.Array(Uuid, {
    description: "One for each enabled endpoint that subscribes to it.",
    examples: [[DELIVERY_ID]],
  }),
  disabled: Type.Array(Uuid, {
    description: "Rows of disabled endpoints that subscribe to it: failed, to be replayed.",
    examples: [[]],
  }),
  matched: Type.Integer({
    minimum: 0,
    description: "Endpoints that subscribe to it; 0: it is stored and goes nowhere.",
    examples: [1],
  }),
};

export const EventSchema = Type.Object(
  {
    eventId: Type.String(),
    clientId: Nullable(Uuid),
    type: Type.String(),
    source: Nullable(Type.String()),
    timestamp: Timestamp,
    createdAt: Timestamp,
    data: Type.Unknown(),
    deliveries: Type.Array(DeliverySchema, { description: "The first 200." }),
    deliveryCount: Type.Integer({ minimum: 0 }),
  },
  {
    examples: [
      {
        eventId: "message-4711-received",
        clientId: null,
        type: "message.received",
        source: "+15550001111",
        timestamp: "2026-11-21T10:00:00.000Z",
        createdAt: "2026-11-21T10:00:00.012Z",
        data: { from: "+15550002222", text: "Hello" },
        deliveries: [],
        deliveryCount: 0,
      },
    ],
  },
);

export const EventParams = Type.Object({
  id: Type.String({
    ...SHORT_TEXT,
    description: "The eventId.",
    examples: ["message-4711-received"],
  }),
});

export const EventQuery = Type.Object({
  clientId: Type.Optional(
    Type.Unsafe<string>({ ...Uuid, description: "For operators, when clients share an eventId." }),
  ),
});
