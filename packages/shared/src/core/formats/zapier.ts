/**
 * Zapier's Catch Hook: one flat object in snake_case, since Zapier takes nested ones apart by itself, with
 * `__` between the names. It answers 200 also when the Zap is off: that proves nothing, and nothing is
 * read into it.
 * https://help.zapier.com/hc/en-us/articles/8496288690317
 */
import { isObject, parseExactly } from "../exact-json.ts";
import type { Format, FormatInput, Subject } from "./format.ts";
import { LEAD_FIELDS, leadView, snakeCase, type LeadView } from "./lead-view.ts";

export const zapier: Format = {
  isFor: (host) => host === "hooks.zapier.com",
  body: (input) => JSON.stringify(Object.fromEntries(membersOf(input))),
};

function membersOf({ eventType, subject }: FormatInput): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>([["event", eventType]]);
  const lead = leadView(subject);
  for (const [name, value] of lead === undefined ? flatten(dataOf(subject)) : leadMembers(lead)) {
    place(members, name, value);
  }
  return members;
}

/** Fields that are not known are there all the same, as null: a Zap's mapping is made from one example. */
function* leadMembers({
  fields,
  campaignName,
  customFields,
}: LeadView): Iterable<[string, unknown]> {
  for (const field of LEAD_FIELDS) yield [snakeCase(field), fields[field]];
  yield ["campaign_name", campaignName];
  yield* flatten(customFields);
}

function dataOf(subject: Subject): Readonly<Record<string, unknown>> {
  const data = subject.kind === "payload" ? parseExactly(subject.payloadText) : {};
  return isObject(data) ? data : { data };
}

/** Arrays stay whole: Zapier makes line items of them. */
function* flatten(
  object: Readonly<Record<string, unknown>>,
  prefix = "",
): Iterable<[string, unknown]> {
  for (const [name, value] of Object.entries(object)) {
    const flat = `${prefix}${snakeCase(name)}`;
    if (isObject(value)) yield* flatten(value, `${flat}__`);
    else yield [flat, value];
  }
}

/** Nothing gets lost: a value takes a place that is still empty, or one with a name of its own. */
function place(members: Map<string, unknown>, name: string, value: unknown): void {
  if ((members.get(name) ?? null) === null) {
    members.set(name, value);
    return;
  }
  let free = `custom_${name}`;
  for (let no = 2; members.has(free); no++) free = `custom_${name}_${no}`;
  members.set(free, value);
}
