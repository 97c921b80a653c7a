import { describe, expect, it } from "vitest";
import type { Sending } from "./format.ts";
import { aLead, aPayload, input } from "./lead.fixture.ts";
import { whatsapp } from "./whatsapp.ts";

const TO = "628123456789";
const HEAD = { messaging_product: "whatsapp", recipient_type: "individual", to: TO };
const HELLO = { ...HEAD, type: "text", text: { body: "Hello 🦊" } };
const IMAGE = { link: "https://example.com/a.png" };
const LONGEST = "ä".repeat(4_096);

it.each([
  ["a text", { to: TO, text: "Hello 🦊" }, HELLO],
  [
    "a number as people write it",
    { to: " +62 (812) 345-67.89", text: "Hello 🦊" },
    { ...HELLO, to: `+${TO}` },
  ],
  [
    "a row of the outbox",
    { to_phone: TO, message_type: "text", payload: { text: "Hello 🦊" } },
    HELLO,
  ],
  [
    "a row whose content names another number, for the row's own",
    { to: TO, type: "text", payload: { to: "15550002222", text: "Hello 🦊" } },
    HELLO,
  ],
  [
    "the same, by another of its names",
    { to_phone: TO, payload: { to: "15550002222", text: "Hello 🦊" } },
    HELLO,
  ],
  ["a row whose content is a text", { to: TO, type: "text", payload: "Hello 🦊" }, HELLO],
  [
    "an answer to a message, with a preview",
    { to: TO, text: "a", preview_url: true, context: { message_id: "wamid.1" } },
    {
      ...HEAD,
      context: { message_id: "wamid.1" },
      type: "text",
      text: { body: "a", preview_url: true },
    },
  ],
  [
    "the longest text of signs that are two units",
    { to: TO, text: "🦊".repeat(4_096) },
    { ...HEAD, type: "text", text: { body: "🦊".repeat(4_096) } },
  ],
  ["the old names", { to_phone: TO, message_type: "text", body: "Hello 🦊" }, HELLO],
  ["a number that is a number", { to: Number(TO), text: "Hello 🦊" }, HELLO],
  [
    "a text as the API has it",
    { to: TO, text: { body: "a", preview_url: true } },
    { ...HEAD, type: "text", text: { body: "a", preview_url: true } },
  ],
  [
    "the longest text",
    { to: TO, text: LONGEST },
    { ...HEAD, type: "text", text: { body: LONGEST } },
  ],
  ["an image", { to: TO, type: "image", image: IMAGE }, { ...HEAD, type: "image", image: IMAGE }],
  [
    "an image in short",
    { to: TO, type: "image", ...IMAGE },
    { ...HEAD, type: "image", image: IMAGE },
  ],
])("makes of %s", (_, payload, body) => {
  expect(JSON.parse(whatsapp.write(input(aPayload(payload))).text)).toEqual(body);
  expect(whatsapp.write(input(aPayload(payload))).misfit).toBeUndefined();
});

it("sends what is the API's already as it was spelled", () => {
  const text = '{ "messaging_product":"whatsapp", "to":"1", "x":1.0 }';
  expect(whatsapp.write(input(aPayload(text))).text).toBe(text);
  expect(whatsapp.write(input(aPayload(text))).misfit).toBeUndefined();
});

it.each([
  ["a lead", aLead(), /a lead is no/],
  ["a text alone", aPayload('"Hello"'), /object/],
  ["nobody to send it to", aPayload({ text: "a" }), /phone number/],
  ["a name instead of a number", aPayload({ to: "Ada", text: "a" }), /phone number/],
  ["two numbers", aPayload({ to: "62812345, 6281234", text: "a" }), /phone number/],
  ["an extension", aPayload({ to: "+1 650 555 1234 ext. 56", text: "a" }), /phone number/],
  ["a number without its country", aPayload({ to: "0812345678", text: "a" }), /phone number/],
  [
    "a type that is a member of ours",
    aPayload({ to: TO, type: "recipient_type", recipient_type: {} }),
    /no type/,
  ],
  ["too many digits", aPayload({ to: "1".repeat(16), text: "a" }), /phone number/],
  ["nothing to say", aPayload({ to: TO }), /text must hold/],
  ["an empty text", aPayload({ to: TO, text: "" }), /must not be empty/],
  ["a text that is too long", aPayload({ to: TO, text: `${LONGEST}a` }), /4096/],
  ["an image without one", aPayload({ to: TO, type: "image" }), /image must hold/],
  ["a type that every object has", aPayload({ to: TO, type: "constructor" }), /must hold/],
])("does not take %s", (_, subject, problem) => {
  expect(whatsapp.write(input(subject)).misfit?.message).toMatch(problem);
});

describe("an attempt", () => {
  const url = "https://graph.facebook.com/v23.0/1066/messages";
  function headersOf(also: Partial<Sending>) {
    const sending = {
      url: new URL(url),
      body: "{}",
      secret: undefined,
      customHeaders: {},
      ...also,
    };
    return whatsapp.calls?.(sending);
  }

  it("is one call without a signature, with the secret as its token", () => {
    expect(headersOf({ secret: "EAAx" })).toEqual([
      { url, body: "{}", headers: { authorization: "Bearer EAAx" }, isSigned: false },
    ]);
  });

  it("takes the endpoint's header before the secret, and never a secret made for signing", () => {
    const none = [{ headers: {}, isSigned: false }];
    expect(headersOf({ secret: "x", customHeaders: { authorization: "Bearer y" } })).toMatchObject(
      none,
    );
    expect(headersOf({ secret: "whsec_c2VjcmV0" })).toMatchObject(none);
    expect(headersOf({ secret: "no\nheader" })).toMatchObject(none);
  });

  it("is signed at any other host", () => {
    const elsewhere = new URL("http://127.0.0.1:4000/");
    expect(headersOf({ url: elsewhere, secret: "x" })).toMatchObject([
      { headers: {}, isSigned: true },
    ]);
  });
});

describe("an answer", () => {
  const answer = (status: number, error: object) =>
    whatsapp.read?.({ status, headers: {}, body: JSON.stringify({ error }) });

  it("190 is final and says plainly that it is the token", () => {
    const reading = answer(401, { code: 190, message: "Error validating access token" });
    expect(reading).toMatchObject({ isWorthRetrying: false, concerns: "delivery" });
    expect(reading?.message).toMatch(/refused the access token.*Error validating.*authorization/);
  });

  it.each([
    [429, 130429, true, "destination"],
    [400, 130429, true, "destination"],
    [400, 80007, true, "destination"],
    [400, 4, true, "destination"],
    [400, 131056, true, "delivery"],
    [500, 131000, true, "destination"],
    [400, 613, true, "destination"],
    [400, 131048, false, "delivery"],
    [400, 131026, false, "delivery"],
    [400, 100, false, "delivery"],
    [403, 10, false, "delivery"],
    [500, 999, true, "destination"],
  ])("%i with error %i", (status, code, isWorthRetrying, concerns) => {
    const reading = answer(status, { code, message: "why" });
    expect(reading).toMatchObject({ isWorthRetrying, concerns });
    expect(reading?.message).toBe(`WhatsApp answered ${status}, error ${code}: why`);
  });

  it("is quoted without what cannot be stored or shown", () => {
    const reading = answer(400, { code: 100, message: "a\u0000\u001b[31m\ud800\n b" });
    expect(reading?.message).toBe("WhatsApp answered 400, error 100: a [31m\ufffd b");
  });

  it("that says itself that it will pass is believed", () => {
    expect(answer(400, { code: 999, is_transient: true })).toMatchObject({ isWorthRetrying: true });
  });

  it("without an error of the API's means what HTTP says", () => {
    const bodies = [
      "",
      "<html>",
      "[]",
      "null",
      '{"messages":[{"id":"x"}]}',
      '{"error":"x"}',
      '{"error":{"code":"x"}}',
    ];
    for (const body of bodies)
      expect(whatsapp.read?.({ status: 500, headers: {}, body })).toBeUndefined();
    expect(whatsapp.read?.({ status: 200, headers: {}, body: '{"messages":[]}' })).toBeUndefined();
  });
});

it("does not look long at a number that is none", { timeout: 20_000 }, () => {
  // It took 55 s: spaces that two parts of the pattern can take.
  const to = `${" ".repeat(250_000)}x`;
  expect(whatsapp.write(input(aPayload({ to, text: "a" }))).misfit?.message).toMatch(
    /phone number/,
  );
});
