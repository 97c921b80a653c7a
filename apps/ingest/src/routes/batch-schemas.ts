/** A batch of deliveries, as requests and answers have it. */
import { Type } from "typebox";
import { deliveryExample } from "./delivery-examples.ts";
import {
  DeliverySchema,
  ErrorFields,
  NewDeliveryBody,
  Nullable,
  OneOf,
  WarningsField,
} from "./schemas.ts";

const MOST_ITEMS = 1_000;

export const BatchItemBody = Type.Interface([NewDeliveryBody], {
  idempotencyKey: Type.Optional(
    Nullable(
      Type.String({
        description: "As the header Idempotency-Key of a request for this one alone.",
      }),
    ),
  ),
});

const count = { minItems: 1, maxItems: MOST_ITEMS };

export const BatchBody = Type.Object(
  { deliveries: Type.Array(BatchItemBody, count) },
  {
    examples: [
      {
        deliveries: [
          { webhookUrl: "https://example.com/webhooks", payload: { number: 1 } },
          { webhookUrl: "ftp://example.com/", payload: { number: 2 } },
        ],
      },
    ],
  },
);

/** What must hold of the body as a whole; each item is checked by itself. */
export const BatchShape = Type.Object({ deliveries: Type.Array(Type.Unknown(), count) });

const acceptedItem = { status: "success", delivery: { ...deliveryExample, leadId: null } };
const refusedItem = {
  status: "error",
  error: {
    code: "invalid_url",
    message: "Only http: and https: URLs can be delivered to.",
    details: [{ field: "deliveries[1].webhookUrl", message: "must be http: or https:" }],
  },
};

export const BatchResult = Type.Union(
  [
    Type.Object({
      status: Type.Literal("success"),
      delivery: DeliverySchema,
      idempotencyReplayed: Type.Optional(
        Type.Boolean({ description: "An earlier request with the same key had made it." }),
      ),
      warnings: WarningsField,
    }),
    Type.Object({ status: OneOf(["error"]), error: ErrorFields }),
  ],
  { examples: [acceptedItem] },
);

export const BatchResults = Type.Array(BatchResult, {
  description: "In the order of the request.",
  examples: [[acceptedItem, refusedItem]],
});
