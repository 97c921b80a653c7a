/**
 * The WhatsApp Cloud API: one message to one phone number. The access token is the endpoint's header
 * `authorization: Bearer …`, or the secret; the API checks no signature. A message cannot be sent twice
 * harmlessly there: after a timeout or a reset a retry may be the second one to arrive.
 *
 * The payload is such a message already (`messaging_product`), or says `to`, `type` and the content
 * shortly: `{"to":"+62 812 345","text":"Hello"}`.
 * https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
 */
import { isObject, parseExactly } from "../exact-json.ts";
import { objectIn, quote, type Answer, type Reading } from "../reading.ts";
import { oneSignedCall, type Calls, type Format, type Sending, type Subject } from "./format.ts";

const HOST = "graph.facebook.com";
const MOST_TEXT_CHARACTERS = 4_096;
/** E.164: at most 15 digits. */
const PHONE_NUMBER = /^\d{5,15}$/;
const TO_NAMES = ["to", "to_phone", "toPhone"];
const TYPE_NAMES = ["type", "message_type", "messageType"];

export const whatsapp: Format = {
  isFor: (host) => host === HOST,
  reachesPeople: true,
  body: ({ subject }) => messageOf(subject).text,
  misfit(subject) {
    const { problem } = messageOf(subject);
    return problem === undefined ? undefined : { field: "body.payload", message: problem };
  },
  calls,
  read,
};

interface Message {
  readonly text: string;
  readonly problem: string | undefined;
}

function messageOf(subject: Subject): Message {
  if (subject.kind === "lead") {
    return {
      text: "{}",
      problem: "a lead is no WhatsApp message: send a payload with to and text",
    };
  }
  const payload = parseExactly(subject.payloadText);
  if (!isObject(payload)) return { text: "{}", problem: "must be an object with to and text" };
  // Whoever writes the API's own words knows what it takes.
  if ("messaging_product" in payload) return { text: subject.payloadText, problem: undefined };
  const to = firstText(payload, TO_NAMES)?.replaceAll(/[^\d]/g, "") ?? "";
  const type = firstText(payload, TYPE_NAMES) ?? "text";
  const content = contentOf(payload, type);
  const text = JSON.stringify({
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to,
    type,
    [type]: content,
  });
  return { text, problem: problemOf({ to, type, content }) };
}

/** Under the type's name, as the API has it; or beside `to`, as a text or as the members themselves. */
function contentOf(payload: Readonly<Record<string, unknown>>, type: string): unknown {
  const members = new Map(Object.entries(payload));
  const content = members.get(type);
  if (isObject(content)) return content;
  if (type === "text") {
    const body = typeof content === "string" ? content : members.get("body");
    return body === undefined ? undefined : { body };
  }
  for (const name of [...TO_NAMES, ...TYPE_NAMES]) members.delete(name);
  return members.size === 0 ? undefined : Object.fromEntries(members);
}

function problemOf(message: { to: string; type: string; content: unknown }): string | undefined {
  const { to, type, content } = message;
  if (!PHONE_NUMBER.test(to)) return "to must be a phone number with its country code";
  if (!isObject(content)) return `${type} must hold what a message of that type says`;
  if (type !== "text") return undefined;
  const { body } = content;
  if (typeof body !== "string" || body === "") return "text must not be empty";
  return body.length > MOST_TEXT_CHARACTERS
    ? `text must not be longer than ${MOST_TEXT_CHARACTERS} characters`
    : undefined;
}

function firstText(payload: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return names
    .map((name) => payload[name])
    .map((value) => (typeof value === "number" ? String(value) : value))
    .find((value) => typeof value === "string" && value !== "") as string | undefined;
}

function calls(sending: Sending): Calls {
  const { url, body, secret, customHeaders } = sending;
  if (url.hostname !== HOST) return oneSignedCall(sending);
  const isToken = secret !== undefined && !secret.startsWith("whsec_");
  const headers: Record<string, string> =
    isToken && !("authorization" in customHeaders) ? { authorization: `Bearer ${secret}` } : {};
  return [{ url: url.href, body, headers, isSigned: false }];
}

/**
 * Error codes that pass by themselves, whatever HTTP status they come with.
 * https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
 */
const PASSING: ReadonlyMap<number, Reading["concerns"]> = new Map([
  // The app or the account asks too often; its throughput is used up.
  [4, "destination"],
  [80007, "destination"],
  [130429, "destination"],
  [131048, "destination"],
  // Too many messages to this one recipient.
  [131056, "delivery"],
  // Their own faults.
  [1, "destination"],
  [2, "destination"],
  [131000, "destination"],
  [131016, "destination"],
  [131057, "destination"],
]);
const BAD_TOKEN = 190;

function read({ status, body }: Answer): Reading | undefined {
  const error = objectIn(body)?.["error"];
  const code = isObject(error) ? error["code"] : undefined;
  if (status < 400 || !isObject(error) || typeof code !== "number") return undefined;
  const told = typeof error["message"] === "string" ? quote(error["message"]) : "no reason given";
  if (code === BAD_TOKEN) {
    return {
      isWorthRetrying: false,
      waitMs: 0,
      concerns: "delivery",
      message: `WhatsApp refused the access token (error 190): ${told} Give a valid one as the endpoint's header authorization.`,
    };
  }
  const concerns = PASSING.get(code);
  const isTransient = concerns !== undefined || error["is_transient"] === true;
  return {
    isWorthRetrying: isTransient || status === 429 || status >= 500,
    waitMs: 0,
    concerns: concerns ?? (status === 429 || status >= 500 ? "destination" : "delivery"),
    message: `WhatsApp answered ${status}, error ${code}: ${told}`,
  };
}
