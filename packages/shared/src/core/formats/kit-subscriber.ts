/** A lead as a subscriber of Kit's: an address, a first name, and texts by name for all the rest. */
import type { Subject } from "./format.ts";
import { contactView } from "./lead-view.ts";
import { flatObject, snakeCase } from "./names.ts";

export interface Subscriber {
  readonly email_address?: string;
  readonly first_name?: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Numbers of tags, which only the calls of version 3 take. */
  readonly tags?: readonly number[];
}

/** What is not known is left out, so that it wipes nothing that Kit knows. */
export function subscriberOf(subject: Subject): Subscriber {
  const contact = contactView(subject);
  const { email, firstName, lastName, company, linkedinUrl, title, source } = contact?.fields ?? {};
  const { tags, ...custom } = contact?.customFields ?? {};
  const tagNumbers = numbersIn(tags);
  const fields = flatObject();
  const known = {
    last_name: lastName,
    company,
    linkedin_url: linkedinUrl,
    job_title: title,
    source,
    campaign_name: contact?.campaignName,
  };
  const others = tagNumbers === undefined ? { ...custom, tags } : custom;
  for (const [name, value] of [...Object.entries(known), ...Object.entries(others)]) {
    const text = textOf(value);
    if (text !== undefined) fields.place(snakeCase(name), text);
  }
  const emailText = textOf(email);
  const firstNameText = textOf(firstName);
  return {
    ...(emailText !== undefined && { email_address: emailText }),
    ...(firstNameText !== undefined && { first_name: firstNameText }),
    fields: fields.json as Subscriber["fields"],
    ...(tagNumbers !== undefined && { tags: tagNumbers }),
  };
}

/** Undefined: there is nothing to say. */
function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  const texts = value.flatMap((one) => textOf(one) ?? []);
  return texts.length === 0 ? undefined : texts.join(", ");
}

function numbersIn(value: unknown): readonly number[] | undefined {
  const isList = Array.isArray(value) && value.length > 0;
  return isList && value.every((one) => Number.isInteger(one)) ? (value as number[]) : undefined;
}
