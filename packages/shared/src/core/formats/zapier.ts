/**
 * Zapier's Catch Hook: one flat object in snake_case, since Zapier takes nested ones apart by itself, with
 * `__` between the names. It answers 200 also when the Zap is off: that proves nothing, and nothing is
 * read into it.
 * https://help.zapier.com/hc/en-us/articles/8496288690317
 */
import { isObject, parseExactly } from "../exact-json.ts";
import type { Format, FormatInput, Subject } from "./format.ts";
import { LEAD_FIELDS, leadView, type LeadView } from "./lead-view.ts";
import { flatObject, snakeCase } from "./names.ts";

/**
 * Flat names repeat the names around them, so that a small payload could make a huge body of one long name
 * and many members. What goes beyond stays nested, and Zapier takes it apart.
 */
const MOST_REPEATED_CHARACTERS = 100_000;

export const zapier: Format = {
  isFor: (host) => host === "hooks.zapier.com",
  write: (input) => ({ text: JSON.stringify(flatten(input)) }),
};

function flatten({ eventType, subject }: FormatInput): Readonly<Record<string, unknown>> {
  const flat = flatObject();
  flat.place("event", eventType);
  const lead = leadView(subject);
  const members = lead === undefined ? membersOf(dataOf(subject)) : membersOfLead(lead);
  for (const [name, value] of members) flat.place(name, value);
  return flat.json;
}

/** Fields that are not known are there all the same, as null: a Zap's mapping is made from one example. */
function* membersOfLead(lead: LeadView): Iterable<[string, unknown]> {
  for (const field of LEAD_FIELDS) yield [snakeCase(field), lead.fields[field]];
  yield ["campaign_name", lead.campaignName];
  yield* membersOf(lead.customFields);
}

function dataOf(subject: Subject): Readonly<Record<string, unknown>> {
  const data = subject.kind === "payload" ? parseExactly(subject.payloadText) : {};
  return isObject(data) ? data : { data };
}

/** Arrays stay whole: Zapier makes line items of them. */
function* membersOf(
  object: Readonly<Record<string, unknown>>,
  prefix = "",
  room = { left: MOST_REPEATED_CHARACTERS },
): Iterable<[string, unknown]> {
  for (const [name, value] of Object.entries(object)) {
    const flatName = `${prefix}${snakeCase(name)}`;
    const count = isObject(value) ? Object.keys(value).length : 0;
    const repeated = count * flatName.length;
    if (!isObject(value) || repeated > room.left) {
      yield [flatName, value];
    } else if (count === 0) {
      yield [flatName, null];
    } else {
      room.left -= repeated;
      yield* membersOf(value, `${flatName}__`, room);
    }
  }
}
