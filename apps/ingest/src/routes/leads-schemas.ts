/** Leads, as requests and answers have them. */
import { Type } from "typebox";
import { SAMPLE_LEAD } from "@webhook-delivery/shared/core/lead.ts";
import { AnyObject, LeadFields, Nullable, SHORT_TEXT, Timestamp } from "./schemas.ts";

const Text = Nullable(Type.String());
const { id: _, ...sampleFields } = SAMPLE_LEAD;
const WRITTEN_AT = "2026-11-21T10:00:00.000Z";

export const LeadParams = Type.Object({
  id: Type.String({ ...SHORT_TEXT, description: "Your own id of it.", examples: ["test-lead-id"] }),
});

export const LeadBody = Type.Interface([LeadFields], {}, { examples: [sampleFields] });

export const LeadSchema = Type.Object(
  {
    id: Type.String(),
    email: Text,
    firstName: Text,
    lastName: Text,
    linkedinId: Text,
    linkedinUrl: Text,
    company: Text,
    title: Text,
    source: Text,
    capturedAt: Nullable(Timestamp),
    customFields: AnyObject,
    status: Type.Unsafe<string | null>({
      ...Text,
      description: "webhook_sent once a delivery of it has succeeded.",
    }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  },
  {
    examples: [
      { ...SAMPLE_LEAD, status: "webhook_sent", createdAt: WRITTEN_AT, updatedAt: WRITTEN_AT },
    ],
  },
);
