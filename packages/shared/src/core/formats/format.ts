/**
 * A format turns what a caller gave into the exact text that is sent. One file a format; `FORMATS` in
 * formats/registry.ts is the only list.
 */
import type { Lead } from "../lead.ts";

/** What a delivery is about. `payloadText` is the caller's JSON as it was spelled. */
export type Subject =
  | { readonly kind: "payload"; readonly payloadText: string }
  | {
      readonly kind: "lead";
      readonly lead: Lead;
      readonly campaignName: string | null;
      readonly customFields: Readonly<Record<string, unknown>>;
    };

export interface FormatInput {
  readonly eventType: string;
  /** ISO 8601: when the delivery was accepted, so that the body is the same on every attempt. */
  readonly timestamp: string;
  readonly subject: Subject;
}

export type Format = (input: FormatInput) => string;

/** JSON text of the subject: the payload as given, a lead as the contract nests it. */
export function subjectText(subject: Subject): string {
  if (subject.kind === "payload") return subject.payloadText;
  const { customFields: ownFields, ...lead } = subject.lead;
  return JSON.stringify({
    lead,
    campaign: { name: subject.campaignName },
    customFields: { ...ownFields, ...subject.customFields },
  });
}
