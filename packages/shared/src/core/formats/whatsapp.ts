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
import { ended, isTemporary, objectIn, quote, type Answer, type Reading } from "../reading.ts";
import {
  keyIn,
  nameOf,
  oneSignedCall,
  type Calls,
  type Format,
  type Sending,
  type Subject,
} from "./format.ts";

const HOST = "graph.facebook.com";
const MOST_TEXT_CHARACTERS = 4_096;
/** E.164: at most 15 digits, of which the first is no 0. */
const PHONE_NUMBER = /^\+?[1-9]\d{4,14}$/;
/** With brackets, dashes and the like; longer is none, and is not looked at. */
const LONGEST_WRITTEN_NUMBER = 64;
const WRITTEN_NUMBER = /^\s*\+?[\d\s().-]+$/;
const TO_NAMES = ["to", "to_phone", "toPhone"];
const TYPE_NAMES = ["type", "message_type", "messageType"];
/** Members of a message that stand beside its content. */
const ALSO = new Set(["context", "biz_opaque_callback_data"]);
const OURS = new Set([...ALSO, "messaging_product", "recipient_type", "to", "type"]);

export const whatsapp: Format = {
  isFor: (host) => host === HOST,
  reachesPeople: true,
  write({ subject }) {
    const { text, problem } = messageOf(subject);
    return problem === undefined
      ? { text }
      : { text, misfit: { field: "body.payload", message: problem } };
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
  const given = parseExactly(subject.payloadText);
  if (!isObject(given)) return { text: "{}", problem: "must be an object with to and text" };
  // Whoever writes the API's own words knows what it takes.
  if (typeof given["messaging_product"] === "string") {
    return { text: subject.payloadText, problem: undefined };
  }
  // As a row of the outbox has it: the content under `payload`, and whom it goes to beside it.
  const { payload: inner, ...outer } = given;
  const said = typeof inner === "string" ? { text: inner } : inner;
  const payload = isObject(said) ? { ...said, ...outer } : given;
  const to = phoneNumberIn(firstText(outer, TO_NAMES) ?? firstText(payload, TO_NAMES) ?? "");
  const type = firstText(payload, TYPE_NAMES) ?? "text";
  const content = contentOf(payload, type);
  const also = Object.entries(payload).filter(([name]) => ALSO.has(name));
  const text = JSON.stringify({
    messaging_product: "whatsapp",
    recipient_type: "individual",
    ...Object.fromEntries(also),
    to,
    type,
    ...(!OURS.has(type) && { [type]: content }),
  });
  return { text, problem: problemOf({ to, type, content }) };
}

/** The plus sign stays: without it the API may put the sender's country code in front. */
function phoneNumberIn(text: string): string {
  if (text.length > LONGEST_WRITTEN_NUMBER || !WRITTEN_NUMBER.test(text)) return text;
  return text.replaceAll(/[^+\d]/g, "");
}

/** Under the type's name, as the API has it; or beside `to`, as a text or as the members themselves. */
function contentOf(payload: Readonly<Record<string, unknown>>, type: string): unknown {
  const members = new Map(Object.entries(payload));
  const content = members.get(type);
  if (isObject(content)) return content;
  if (type === "text") {
    const body = typeof content === "string" ? content : members.get("body");
    const preview = members.get("preview_url");
    if (body === undefined) return undefined;
    return { body, ...(preview !== undefined && { preview_url: preview }) };
  }
  for (const name of [...TO_NAMES, ...TYPE_NAMES, ...ALSO]) members.delete(name);
  return members.size === 0 ? undefined : Object.fromEntries(members);
}

function problemOf(message: { to: string; type: string; content: unknown }): string | undefined {
  const { to, type, content } = message;
  if (!PHONE_NUMBER.test(to)) return "to must be a phone number with its country code";
  if (OURS.has(type)) return `${type} is no type of a message`;
  if (!isObject(content)) return `${type} must hold what a message of that type says`;
  if (type !== "text") return undefined;
  const { body } = content;
  if (typeof body !== "string" || body === "") return "text must not be empty";
  return Array.from(body).length > MOST_TEXT_CHARACTERS
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
  if (nameOf(url) !== HOST) return oneSignedCall(sending);
  const token = "authorization" in customHeaders ? undefined : keyIn(secret);
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  return [{ url: url.href, body, headers, isSigned: false }];
}

/**
 * Error codes that pass by themselves, whatever HTTP status they come with.
 * https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
 */
const PASSING: ReadonlyMap<number, Reading["concerns"]> = new Map([
  // The app or the account asks too often; its throughput is used up.
  [4, "destination"],
  [17, "destination"],
  [32, "destination"],
  [341, "destination"],
  [613, "destination"],
  [80007, "destination"],
  [130429, "destination"],
  // Too many messages to this one recipient.
  [131056, "delivery"],
  // Their own faults.
  [1, "destination"],
  [2, "destination"],
  [131000, "destination"],
  [131016, "destination"],
  [131057, "destination"],
  [133004, "destination"],
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
      message: `WhatsApp refused the access token (error 190): ${ended(told)} Give a valid one as the endpoint's header authorization.`,
    };
  }
  const concerns = PASSING.get(code);
  const isTransient = concerns !== undefined || error["is_transient"] === true;
  return {
    isWorthRetrying: isTransient || isTemporary(status),
    waitMs: 0,
    concerns: concerns ?? (status === 429 || status >= 500 ? "destination" : "delivery"),
    message: `WhatsApp answered ${status}, error ${code}: ${told}`,
  };
}
