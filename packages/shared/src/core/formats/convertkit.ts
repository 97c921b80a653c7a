/**
 * Kit, once ConvertKit. It has no URL that takes any JSON: this is an adapter to its API. A form's or a
 * tag's URL takes only a subscriber who is there, so an attempt makes two calls: write the subscriber,
 * then add it. When the second fails both are made again, which does no harm. Kit checks no signature;
 * its key is the endpoint's header `x-kit-api-key`, or the secret.
 *
 * The body is what the first call says. To any other host it goes as it is, in one signed call.
 * https://developers.kit.com/api-reference/overview
 */
import { ended, isTemporary, objectIn, quote, type Answer, type Reading } from "../reading.ts";
import { parseRetryAfterMs } from "../retry-after.ts";
import { keyIn, nameOf, oneSignedCall } from "./format.ts";
import type { Call, Calls, Format, Sending } from "./format.ts";
import { subscriberOf, type Subscriber } from "./kit-subscriber.ts";

const HOSTS = new Set(["api.kit.com", "api.convertkit.com"]);
const KEY_HEADER = "x-kit-api-key";
/** A 429 without Retry-After: 120 requests in 60 s are allowed. */
const THROTTLED_WAIT_MS = 60_000;

const NO_ADDRESS = { field: "body", message: "Kit needs an e-mail address, and this has none" };

export const convertkit: Format = {
  isFor: (host) => HOSTS.has(host),
  write({ subject }) {
    const subscriber = subscriberOf(subject);
    const text = JSON.stringify(subscriber);
    return subscriber.email_address === undefined ? { text, misfit: NO_ADDRESS } : { text };
  },
  calls,
  read,
};

/** `forms/1`, `tags/2`, `sequences/3`: what a subscriber can be added to. */
const LIST_PATH = /^\/v4\/(?:forms|tags|sequences)\/[^/]+\/subscribers\/?$/;

function calls(sending: Sending): Calls {
  const { url, body } = sending;
  const host = nameOf(url);
  if (!HOSTS.has(host)) return oneSignedCall(sending);
  const { tags, ...subscriber } = JSON.parse(body) as Subscriber;
  const { email_address: email, first_name: firstName, fields } = subscriber;
  const isVersion3 = !url.pathname.startsWith("/v4/") && host === "api.convertkit.com";
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

/** With a token of Kit's OAuth the secret is no key. */
function keyOf({ customHeaders, secret }: Sending): string | undefined {
  return (
    customHeaders[KEY_HEADER] ?? ("authorization" in customHeaders ? undefined : keyIn(secret))
  );
}

function keyHeader(sending: Sending): Readonly<Record<string, string>> {
  const key = keyOf(sending);
  return key === undefined || KEY_HEADER in sending.customHeaders ? {} : { [KEY_HEADER]: key };
}

function read({ status, headers, body }: Answer): Reading | undefined {
  if (status === 429) {
    return {
      isWorthRetrying: true,
      waitMs: saysWhen(headers["retry-after"]) ? 0 : THROTTLED_WAIT_MS,
      concerns: "destination",
      message: "Kit answered 429: too many requests for this API key.",
    };
  }
  if (status < 400 || isTemporary(status)) return undefined;
  const told = errorsIn(objectIn(body) ?? {});
  const why = told === "" ? " no reason given." : ` ${quote(told)}`;
  const message =
    status === 401
      ? `Kit refused the API key (401):${ended(why)} Give a valid one as the endpoint's header x-kit-api-key, or as its secret.`
      : `Kit answered ${status}:${why}`;
  return { isWorthRetrying: false, waitMs: 0, concerns: "delivery", message };
}

/** Version 4: `errors`, a list; version 3: `message`, and `error` before it. */
function errorsIn({ errors, message, error }: Readonly<Record<string, unknown>>): string {
  const lists = [errors, message, error].map((one) =>
    (Array.isArray(one) ? one : [one]).filter((each) => each !== undefined && each !== null),
  );
  const found = lists.find((list) => list.length > 0) ?? [];
  return found.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(" ");
}

function saysWhen(retryAfter: string | undefined): boolean {
  return parseRetryAfterMs(retryAfter, new Date(0)) !== undefined;
}
