/** What a delivery is about: the payload that came with it, a lead of its client's, or the sample. */
import { DomainError } from "../core/errors.ts";
import type { Subject } from "../core/formats/format.ts";
import { SAMPLE_LEAD } from "../core/lead.ts";
import type { Queryable } from "../db/client.ts";
import { findLead, upsertLead, type LeadChanges } from "../db/leads.ts";

/** `payloadText` is JSON as its caller spelled it. */
export interface RequestedSubject {
  readonly content:
    | { readonly kind: "sample" }
    /** Of an event type of ours. */
    | { readonly kind: "example"; readonly payloadText: string; readonly leadId: null }
    | { readonly kind: "payload"; readonly payloadText: string; readonly leadId: string | null }
    | { readonly kind: "lead"; readonly leadId: string };
  readonly leadChanges: { readonly leadId: string; readonly changes: LeadChanges } | null;
  readonly campaignName: string | null;
  readonly customFields: Readonly<Record<string, unknown>>;
}

/** Writes the lead that came along; throws `lead_not_found`. */
export async function loadSubject(
  sql: Queryable,
  requested: RequestedSubject,
  clientId: string | null,
): Promise<Subject> {
  const { content, leadChanges, campaignName, customFields } = requested;
  const changed =
    leadChanges &&
    (await upsertLead(sql, { id: leadChanges.leadId, clientId }, leadChanges.changes));
  switch (content.kind) {
    case "example":
    case "payload":
      return { kind: "payload", payloadText: content.payloadText };
    case "sample":
      return { kind: "lead", lead: SAMPLE_LEAD, campaignName, customFields };
    case "lead": {
      const lead = changed ?? (await findLead(sql, { id: content.leadId, clientId }));
      if (lead) return { kind: "lead", lead, campaignName, customFields };
      throw new DomainError(
        "lead_not_found",
        `There is no lead "${content.leadId}"; send it along as "lead", or send a "payload".`,
        [{ field: "body.leadId", message: "unknown lead" }],
      );
    }
  }
}
