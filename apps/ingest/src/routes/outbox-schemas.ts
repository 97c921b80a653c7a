/** What the outbox routes take and answer. */
import { Type } from "typebox";
import { Nullable } from "./schemas.ts";

const ROW = { id: "6f1e0f3c-9a55-4c8e-9c0b-2f1f6f0a7d11", status: "queued" };

/** Supabase's Database Webhook; everything but the record's id is ignored. */
export const TriggerBody = Type.Object(
  {
    type: Type.Optional(
      Type.Unknown({ description: "INSERT, UPDATE or DELETE.", examples: ["INSERT"] }),
    ),
    table: Type.Optional(Type.Unknown({ examples: ["outbox_messages"] })),
    schema: Type.Optional(Type.Unknown({ examples: ["public"] })),
    record: Nullable(
      Type.Object(
        { id: Type.Unknown({ description: "Of the row in outbox_messages." }) },
        { required: ["id"], description: "Null after a DELETE." },
      ),
    ),
    old_record: Type.Optional(Type.Unknown()),
  },
  {
    examples: [
      {
        type: "INSERT",
        table: "outbox_messages",
        schema: "public",
        record: ROW,
        old_record: null,
      },
    ],
  },
);

export const TriggeredFields = {
  processed: Type.Integer({
    minimum: 0,
    maximum: 1,
    description: "1: this call took the row. 0: it is taken, not due, or not there.",
    examples: [1],
  }),
};

export const DrainBody = Nullable(
  Type.Object(
    {},
    { description: "Nothing is read from it; any body will do, or none.", examples: [{}] },
  ),
);

const count = (description: string, example: number) =>
  Type.Integer({ minimum: 0, description, examples: [example] });

export const DrainedFields = {
  processed: count("Rows that this call took.", 3),
  sent: count("Of those, sent by now.", 2),
  failed: count("Of those, failed by now.", 0),
  remaining: count("Rows that are due and not taken; counted up to 10,000.", 0),
};
