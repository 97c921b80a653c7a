import { describe, expect, it } from "vitest";
import { convertkit } from "./convertkit.ts";
import type { Sending, Subject } from "./format.ts";
import { aLead, aPayload, input, NOBODY } from "./lead.fixture.ts";

const FIELDS = {
  last_name: "Łukasiewicz 李 🦊",
  company: 'Engines "Ltd"',
  linkedin_url: "https://www.linkedin.com/in/zoe",
  job_title: "Head of Computing",
  source: "ads",
  campaign_name: "Spring",
};
const ZOE = { email_address: "zoë@example.com", first_name: "Zoë", fields: FIELDS };
const LONG = "ä".repeat(200_000);

it.each<[string, Subject, object]>([
  ["a lead", aLead(), ZOE],
  ["a lead of which nothing is known", aLead({ lead: NOBODY, campaignName: null }), { fields: {} }],
  [
    "custom fields, which are texts in Kit",
    aLead({
      customFields: {
        Seats: 5,
        isVIP: true,
        hobbies: ["a", "b"],
        utm: { a: 1 },
        none: null,
        note: LONG,
      },
    }),
    {
      ...ZOE,
      fields: {
        ...FIELDS,
        seats: "5",
        is_vip: "true",
        hobbies: "a, b",
        utm: '{"a":1}',
        note: LONG,
      },
    },
  ],
  [
    "custom fields with the names of others",
    aLead({ customFields: { company: "Other", jobTitle: "Other" } }),
    { ...ZOE, fields: { ...FIELDS, custom_company: "Other", custom_job_title: "Other" } },
  ],
  ["tags", aLead({ customFields: { tags: [1, 2] } }), { ...ZOE, tags: [1, 2] }],
  [
    "tags by name",
    aLead({ customFields: { tags: ["a"] } }),
    { ...ZOE, fields: { ...FIELDS, tags: "a" } },
  ],
  [
    "an event whose data nests a lead",
    aPayload({ lead: { email: "a@b.example", lastName: "B" }, campaign: { name: "C" } }),
    { email_address: "a@b.example", fields: { last_name: "B", campaign_name: "C" } },
  ],
  [
    "a payload that has the fields itself",
    aPayload({ email_address: "a@b.example", firstName: "A", plan: "pro", userId: 12 }),
    { email_address: "a@b.example", first_name: "A", fields: { plan: "pro", user_id: "12" } },
  ],
  [
    "several custom fields of one name",
    aLead({ customFields: { company: "1", Company: "2", COMPANY: "3" } }),
    {
      ...ZOE,
      fields: { ...FIELDS, custom_company: "1", custom_company_2: "2", custom_company_3: "3" },
    },
  ],
  [
    "lists, of which empty ones wipe nothing",
    aLead({
      customFields: { interests: [], tags: [], none: ["", null], some: ["a", "", { b: 1 }] },
    }),
    { ...ZOE, fields: { ...FIELDS, some: 'a, {"b":1}' } },
  ],
  [
    "what stands beside a nested lead and in it",
    aPayload({
      lead: { email: "a@b.example", phone: "+1", customFields: { plan: "pro" } },
      score: 5,
    }),
    { email_address: "a@b.example", fields: { phone: "+1", plan: "pro", score: "5" } },
  ],
  [
    "a flat payload's campaign and custom fields",
    aPayload({ email: "a@b.example", campaign: { name: "C" }, custom_fields: { x: 1 } }),
    { email_address: "a@b.example", fields: { campaign_name: "C", x: "1" } },
  ],
  ["a payload that is no object", aPayload([1]), { fields: {} }],
])("makes of %s", (_, subject, body) => {
  expect(JSON.parse(convertkit.write(input(subject)).text)).toEqual(body);
});

it("needs an e-mail address", () => {
  expect(convertkit.write(input(aLead())).misfit).toBeUndefined();
  expect(convertkit.write(input(aLead({ lead: NOBODY }))).misfit?.message).toMatch(/e-mail/);
  expect(convertkit.write(input(aPayload({ hello: 1 }))).misfit?.message).toMatch(/e-mail/);
});

describe("an attempt", () => {
  const BODY = { ...ZOE, tags: [1, 2] };
  const V4 = { ...ZOE, fields: { ...FIELDS, tags: "1, 2" } };
  const KEY = { "x-kit-api-key": "kit_1" };

  function callsTo(url: string, also: Partial<Sending> = {}) {
    const body = JSON.stringify(BODY);
    const sending = { url: new URL(url), body, secret: "kit_1", customHeaders: {}, ...also };
    const calls = convertkit.calls?.(sending) ?? [];
    return calls.map(({ url: called, body: text, headers, isSigned }) => {
      return { url: called, body: JSON.parse(text) as unknown, headers, isSigned };
    });
  }

  it.each(["forms/12", "tags/34", "sequences/5"])(
    "at %s writes the subscriber, then adds it",
    (list) => {
      const url = `https://api.kit.com/v4/${list}/subscribers`;
      expect(callsTo(url)).toEqual([
        { url: "https://api.kit.com/v4/subscribers", body: V4, headers: KEY, isSigned: false },
        { url, body: { email_address: ZOE.email_address }, headers: KEY, isSigned: false },
      ]);
    },
  );

  it("at the subscribers' own URL is one call", () => {
    const url = "https://api.kit.com/v4/subscribers";
    expect(callsTo(url)).toEqual([{ url, body: V4, headers: KEY, isSigned: false }]);
  });

  it("of version 3 carries the key and the tags in its body", () => {
    const url = "https://api.convertkit.com/v3/forms/12/subscribe";
    const { email_address: email, ...rest } = ZOE;
    expect(callsTo(url)).toEqual([
      {
        url,
        body: { api_key: "kit_1", email, ...rest, tags: [1, 2] },
        headers: {},
        isSigned: false,
      },
    ]);
  });

  it("uses the endpoint's header before the secret, and never a secret made for signing", () => {
    const url = "https://api.kit.com/v4/subscribers";
    const customHeaders = { "x-kit-api-key": "kit_2" };
    expect(callsTo(url, { customHeaders })).toMatchObject([{ headers: {} }]);
    expect(callsTo(url, { secret: "whsec_c2VjcmV0" })).toMatchObject([{ headers: {} }]);
    expect(callsTo(url, { secret: "no\nheader" })).toMatchObject([{ headers: {} }]);
    const oauth = { customHeaders: { authorization: "Bearer x" } };
    expect(callsTo(url, oauth)).toMatchObject([{ headers: {} }]);
    const version3 = "https://api.convertkit.com/v3/forms/12/subscribe";
    expect(callsTo(version3, { customHeaders })).toMatchObject([{ body: { api_key: "kit_2" } }]);
  });

  it("knows its host with a dot at its end", () => {
    expect(callsTo("https://api.kit.com./v4/forms/1/subscribers")).toHaveLength(2);
  });

  it("at any other host is one signed call with the same words", () => {
    const url = "http://127.0.0.1:4000/v4/forms/1/subscribers";
    expect(callsTo(url)).toEqual([{ url, body: BODY, headers: {}, isSigned: true }]);
  });
});

describe("an answer", () => {
  const answer = (status: number, body: string, headers = {}) =>
    convertkit.read?.({ status, headers, body });

  it("429 means a minute later, unless it says when", () => {
    const later = { isWorthRetrying: true, concerns: "destination" };
    expect(answer(429, "Retry later")).toMatchObject({ ...later, waitMs: 60_000 });
    const unreadable = { "retry-after": "soon" };
    expect(answer(429, "Retry later", unreadable)).toMatchObject({ ...later, waitMs: 60_000 });
    expect(answer(429, "Retry later", { "retry-after": "7" })).toMatchObject({
      ...later,
      waitMs: 0,
    });
  });

  it.each([
    [401, '{"errors":["The access token is invalid"]}', /refused the API key.*token is invalid/],
    [401, "", /refused the API key/],
    [404, '{"errors":["Not Found"]}', /answered 404: Not Found/],
    [422, '{"errors":["Email address is invalid","b"]}', /422: Email address is invalid b/],
    [401, '{"error":"Authorization Failed","message":"API Key not valid"}', /API Key not valid/],
    [422, '{"errors":[{"toString":1},{"detail":"bad"}]}', /422: {"toString":1} {"detail":"bad"}/],
    [422, '{"errors":{"email":["taken"]}}', /422: {"email":\["taken"\]}/],
    [422, '{"errors":[],"message":"m"}', /422: m$/],
    [422, '{"errors":["a\\u0000b"]}', /422: a b$/],
    [400, "<html>", /answered 400: no reason given/],
  ])("%i %s is final and says why", (status, body, message) => {
    const reading = answer(status, body);
    expect(reading).toMatchObject({ isWorthRetrying: false, concerns: "delivery" });
    expect(reading?.message).toMatch(message);
  });

  it.each([200, 201, 202, 302, 500, 503])("%i means what HTTP says", (status) => {
    expect(answer(status, "{}")).toBeUndefined();
  });
});
