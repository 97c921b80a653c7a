/**
 * Kit, once ConvertKit. It has no URL that takes any JSON: this is an adapter to its API. A form's or a
 * tag's URL takes only a subscriber who is there, so an attempt makes two calls: write the subscriber,
 * then add it. When the second fails both are made again, which does no harm. Kit checks no signature;
 * its key is the endpoint's header `x-kit-api-key`, or the secret.
 *
 * The body is what the first call says. To any other host it goes as it is, in one signed call.
 * https://developers.kit.com/api-reference/overview
 */
import type { Call, Calls, Format, Sending, Subject } from "./format.ts";
import { oneSignedCall } from "./format.ts";
import { objectIn, quote, type Answer, type Reading } from "../reading.ts";
import { contactView, snakeCase } from "./lead-view.ts";

const HOSTS = new Set(["api.kit.com", "api.convertkit.com"]);
const KEY_HEADER = "x-kit-api-key";
/** A 429 without Retry-After: 120 requests in 60 s are allowed. */
const THROTTLED_WAIT_MS = 60_000;

interface Subscriber {
  readonly email_address?: string;
  readonly first_name?: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Numbers of tags, which only the calls of version 3 take. */
  readonly tags?: readonly number[];
}

export const convertkit: Format = {
  isFor: (host) => HOSTS.has(host),
  body: ({ subject }) => JSON.stringify(subscriberOf(subject)),
  misfit: (subject) =>
    subscriberOf(subject).email_address === undefined
      ? { field: "body", message: "Kit needs an e-mail address, and this has none" }
      : undefined,
  calls,
  read,
};

/** What is not known is left out, so that it wipes nothing that Kit knows. */
function subscriberOf(subject: Subject): Subscriber {
  const contact = contactView(subject);
  const { email, firstName, lastName, company, linkedinUrl, title, source } = contact?.fields ?? {};
  const { tags, ...custom } = contact?.customFields ?? {};
  const isListOfTags = Array.isArray(tags) && tags.every((tag) => Number.isInteger(tag));
  const fields = new Map<string, string>();
  const known = {
    last_name: lastName,
    company,
    linkedin_url: linkedinUrl,
    job_title: title,
    source,
    campaign_name: contact?.campaignName,
  };
  const others = { ...custom, ...(!isListOfTags && { tags }) };
  // The lead's own come first, and a custom field takes only a place that is empty.
  for (const [name, value] of [...Object.entries(known), ...Object.entries(others)]) {
    const text = textOf(value);
    const key = snakeCase(name);
    if (text === undefined) continue;
    const free = fields.has(key) ? `custom_${key}` : key;
    if (!fields.has(free)) fields.set(free, text);
  }
  const emailText = textOf(email);
  const firstNameText = textOf(firstName);
  return {
    ...(emailText !== undefined && { email_address: emailText }),
    ...(firstNameText !== undefined && { first_name: firstNameText }),
    fields: Object.fromEntries(fields),
    ...(isListOfTags && { tags: tags as number[] }),
  };
}

/** Kit's fields are texts. */
function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one === "string"))
    return value.join(", ");
  return JSON.stringify(value);
}

/** `forms/1`, `tags/2`, `sequences/3`: what a subscriber can be added to. */
const LIST_PATH = /^\/v4\/(?:forms|tags|sequences)\/[^/]+\/subscribers\/?$/;

function calls(sending: Sending): Calls {
  const { url, body } = sending;
  if (!HOSTS.has(url.hostname)) return oneSignedCall(sending);
  const { tags, ...subscriber } = JSON.parse(body) as Subscriber;
  const { email_address: email, first_name: firstName, fields } = subscriber;
  const isVersion3 = !url.pathname.startsWith("/v4/") && url.hostname === "api.convertkit.com";
  if (isVersion3 || url.pathname.startsWith("/v3/")) {
    const own = { email, first_name: firstName, fields, tags };
    return [call(url, { api_key: keyOf(sending), ...own })];
  }
  const headers = keyHeader(sending);
  if (!LIST_PATH.test(url.pathname)) return [call(url, withTags(subscriber, tags), headers)];
  const upsert = new URL("/v4/subscribers", url);
  return [
    call(upsert, withTags(subscriber, tags), headers),
    call(url, { email_address: email }, headers),
  ];
}

/** Version 4 has no tags in a subscriber: they are a field, if the account has one of that name. */
function withTags({ fields, ...subscriber }: Subscriber, tags: Subscriber["tags"]): object {
  return {
    ...subscriber,
    fields: tags === undefined ? fields : { ...fields, tags: tags.join(", ") },
  };
}

function call(url: URL, body: object, headers: Call["headers"] = {}): Call {
  return { url: url.href, body: JSON.stringify(body), headers, isSigned: false };
}

/** A secret that we made up for signing is no key of Kit's. */
function keyOf({ customHeaders, secret }: Sending): string | undefined {
  return customHeaders[KEY_HEADER] ?? (secret?.startsWith("whsec_") === true ? undefined : secret);
}

function keyHeader(sending: Sending): Readonly<Record<string, string>> {
  const key = keyOf(sending);
  return key === undefined || KEY_HEADER in sending.customHeaders ? {} : { [KEY_HEADER]: key };
}

function read({ status, headers, body }: Answer): Reading | undefined {
  if (status === 429) {
    return {
      isWorthRetrying: true,
      waitMs: headers["retry-after"] === undefined ? THROTTLED_WAIT_MS : 0,
      concerns: "destination",
      message: "Kit answered 429: too many requests for this API key.",
    };
  }
  if (status < 400 || status >= 500) return undefined;
  const found = objectIn(body);
  const errors = found?.["errors"] ?? found?.["message"] ?? found?.["error"];
  const told = Array.isArray(errors) ? errors.map(String).join(" ") : errors;
  const why = typeof told === "string" ? ` ${quote(told)}` : "";
  const message =
    status === 401
      ? `Kit refused the API key (401):${why || " no reason given."} Give a valid one as the endpoint's header x-kit-api-key, or as its secret.`
      : `Kit answered ${status}:${why || " no reason given."}`;
  return { isWorthRetrying: false, waitMs: 0, concerns: "delivery", message };
}
