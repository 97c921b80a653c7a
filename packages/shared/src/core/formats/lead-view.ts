/**
 * A lead as the vendors' formats need it, wherever it came from: a lead of ours, an event whose data
 * nests one as the `standard` format does, or a payload that has an address among its own members.
 * Members that no field is named after are custom fields, so that nothing gets lost.
 */
import { isObject, parseExactly } from "../exact-json.ts";
import type { Subject } from "./format.ts";
import { snakeCase } from "./names.ts";

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
  readonly customFields: Members;
}

type Members = Readonly<Record<string, unknown>>;

/** Other names under which payloads have them, besides the same in snake_case. */
const ALIASES: Readonly<Partial<Record<LeadField, readonly string[]>>> = {
  email: ["emailAddress", "email_address"],
  title: ["jobTitle", "job_title"],
};
const NAMES = new Map(
  LEAD_FIELDS.map((field) => [field, [field, snakeCase(field), ...(ALIASES[field] ?? [])]]),
);
const CAMPAIGN_NAMES = ["campaignName", "campaign_name"];
/** What is read by itself, or says nothing of the person. */
const NOT_CUSTOM = new Set(
  Array.from(NAMES.values())
    .flat()
    .concat(CAMPAIGN_NAMES)
    .concat(["id", "lead", "campaign", "customFields", "custom_fields", "event", "timestamp"]),
);

/** Undefined: the payload is about something else. */
export function leadView(subject: Subject): LeadView | undefined {
  if (subject.kind === "lead") {
    const { lead, campaignName, customFields } = subject;
    const all = { ...lead.customFields, ...customFields };
    return { fields: fieldsOf({ ...lead }), campaignName, customFields: all };
  }
  const payload = parseExactly(subject.payloadText);
  return isObject(payload) ? nestedLead(payload) : undefined;
}

/** The same, and of a payload without a lead what it has by the names of a lead's fields. */
export function contactView(subject: Subject): LeadView | undefined {
  if (subject.kind === "lead") return leadView(subject);
  const payload = parseExactly(subject.payloadText);
  if (!isObject(payload)) return undefined;
  const own = {
    fields: fieldsOf(payload),
    campaignName: campaignOf(payload),
    customFields: customOf(payload),
  };
  return nestedLead(payload) ?? own;
}

function nestedLead(payload: Members): LeadView | undefined {
  const { lead } = payload;
  if (!isObject(lead)) return undefined;
  return {
    fields: fieldsOf(lead),
    campaignName: campaignOf(payload),
    customFields: { ...customOf(lead), ...customOf(payload) },
  };
}

function fieldsOf(members: Members): Readonly<Record<LeadField, unknown>> {
  const fields = LEAD_FIELDS.map((field) => [field, firstOf(members, NAMES.get(field) ?? [])]);
  return Object.fromEntries(fields) as Record<LeadField, unknown>;
}

function campaignOf(members: Members): unknown {
  const { campaign } = members;
  const name = isObject(campaign) ? campaign["name"] : campaign;
  return name ?? firstOf(members, CAMPAIGN_NAMES);
}

function customOf(members: Members): Members {
  const { customFields = members["custom_fields"] } = members;
  const others = Object.entries(members).filter(([name]) => !NOT_CUSTOM.has(name));
  return { ...Object.fromEntries(others), ...(isObject(customFields) && customFields) };
}

function firstOf(members: Members, names: readonly string[]): unknown {
  for (const name of names) {
    const value = members[name];
    if (value !== null && value !== undefined && value !== "") return value;
  }
  return null;
}
