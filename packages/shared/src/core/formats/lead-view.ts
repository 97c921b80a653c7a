/**
 * A lead as the vendors' formats need it, wherever it came from: a lead of ours, an event whose data
 * nests one as the `standard` format does, or a payload that has an address among its own members.
 */
import { isObject, parseExactly } from "../exact-json.ts";
import type { Subject } from "./format.ts";

/** In the order in which receivers get them; `id` is ours and stays here. */
export const LEAD_FIELDS = [
  "email",
  "firstName",
  "lastName",
  "linkedinId",
  "linkedinUrl",
  "company",
  "title",
  "source",
  "capturedAt",
] as const;
export type LeadField = (typeof LEAD_FIELDS)[number];

export interface LeadView {
  /** Null: it is not known. */
  readonly fields: Readonly<Record<LeadField, unknown>>;
  readonly campaignName: unknown;
  readonly customFields: Readonly<Record<string, unknown>>;
}

/** Other names under which payloads have them, besides the same in snake_case. */
const ALIASES: Readonly<Partial<Record<LeadField, readonly string[]>>> = {
  email: ["emailAddress", "email_address"],
  title: ["jobTitle", "job_title"],
};
const CAMPAIGN_NAMES = ["campaignName", "campaign_name"];
/** Of a flat payload, what is no custom field of the person's. */
const NOT_CUSTOM = new Set(["id", "event", "type", "timestamp", "campaign", "customFields"]);

/** Undefined: the payload is about something else. */
export function leadView(subject: Subject): LeadView | undefined {
  if (subject.kind === "lead") {
    const { lead, campaignName, customFields } = subject;
    return {
      ...viewOf(lead),
      campaignName,
      customFields: { ...lead.customFields, ...customFields },
    };
  }
  const payload = parseExactly(subject.payloadText);
  if (!isObject(payload) || !isObject(payload["lead"])) return undefined;
  const { lead, campaign, customFields } = payload;
  const { fields } = viewOf(lead);
  return {
    fields,
    campaignName:
      (isObject(campaign) ? campaign["name"] : undefined) ?? firstOf(payload, CAMPAIGN_NAMES),
    customFields: isObject(customFields) ? customFields : {},
  };
}

/** The same, and of a payload without a lead what it has by the names of a lead's fields. */
export function contactView(subject: Subject): LeadView | undefined {
  const lead = leadView(subject);
  if (lead !== undefined || subject.kind === "lead") return lead;
  const payload = parseExactly(subject.payloadText);
  if (!isObject(payload)) return undefined;
  const { fields, names } = viewOf(payload);
  const own = isObject(payload["customFields"]) ? payload["customFields"] : {};
  const others = Object.entries(payload).filter(
    ([name]) => !names.has(name) && !NOT_CUSTOM.has(name) && !CAMPAIGN_NAMES.includes(name),
  );
  return {
    fields,
    campaignName: firstOf(payload, CAMPAIGN_NAMES),
    customFields: { ...Object.fromEntries(others), ...own },
  };
}

function viewOf(from: object) {
  const members = from as Readonly<Record<string, unknown>>;
  const names = new Set<string>();
  const fields = LEAD_FIELDS.map((field) => {
    const spelled = [field, snakeCase(field), ...(ALIASES[field] ?? [])];
    for (const name of spelled) names.add(name);
    return [field, firstOf(members, spelled)];
  });
  return { fields: Object.fromEntries(fields) as Record<LeadField, unknown>, names };
}

function firstOf(members: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  for (const name of names) {
    const value = members[name];
    if (value !== null && value !== undefined && value !== "") return value;
  }
  return null;
}

/** `firstName`, `First name`, `first-name`: `first_name`. Letters of any script stay as they are. */
export function snakeCase(name: string): string {
  const words = name
    .normalize("NFC")
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1_$2")
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "_")
    .replaceAll(/^_+|_+$/g, "");
  return words === "" ? "field" : words;
}
