import { expect, it } from "vitest";
import { aLead, aPayload, input, NOBODY } from "./lead.fixture.ts";
import type { Subject } from "./format.ts";
import { zapier } from "./zapier.ts";

const KNOWN = {
  event: "lead.captured",
  email: "zoë@example.com",
  first_name: "Zoë",
  last_name: "Łukasiewicz 李 🦊",
  linkedin_id: "zoe",
  linkedin_url: "https://www.linkedin.com/in/zoe",
  company: 'Engines "Ltd"',
  title: "Head of Computing",
  source: "ads",
  captured_at: "2026-01-01T09:00:00.000Z",
  campaign_name: "Spring",
};
const UNKNOWN = {
  ...Object.fromEntries(Object.keys(KNOWN).map((name) => [name, null])),
  event: "lead.captured",
};
const LONG = "ä".repeat(200_000);

it.each<[string, Subject, object]>([
  ["a lead", aLead(), KNOWN],
  [
    "a lead of which nothing is known, with every field there",
    aLead({ lead: NOBODY, campaignName: null }),
    UNKNOWN,
  ],
  [
    "custom fields in snake_case, the delivery's own winning",
    aLead({
      lead: { ...NOBODY, customFields: { "Budget (EUR)": 1, isVIP: false } },
      campaignName: null,
      customFields: { isVIP: true, größeCM: 180, "???": "?" },
    }),
    { ...UNKNOWN, budget_eur: 1, is_vip: true, größe_cm: 180, field: "?" },
  ],
  [
    "custom fields with the names of others, under names of their own",
    aLead({
      customFields: { email: "b@example.com", Email: "c@example.com", event: 1, a: 1, A: 2 },
    }),
    {
      ...KNOWN,
      custom_email: "b@example.com",
      custom_email_2: "c@example.com",
      custom_event: 1,
      a: 1,
      custom_a: 2,
    },
  ],
  [
    "a custom field in the place of one that is not known",
    aLead({ customFields: { company: "Other" }, lead: NOBODY, campaignName: null }),
    { ...UNKNOWN, company: "Other" },
  ],
  [
    "nested custom fields as Zapier would take them apart, lists whole",
    aLead({ customFields: { utm: { source: "x", deep: { er: 1 } }, items: [{ a: 1 }, { a: 2 }] } }),
    { ...KNOWN, utm__source: "x", utm__deep__er: 1, items: [{ a: 1 }, { a: 2 }] },
  ],
  ["very long values, uncut", aLead({ customFields: { note: LONG } }), { ...KNOWN, note: LONG }],
  [
    "a name that an object would trip over",
    aPayload('{"__proto__":{"x":1},"constructor":2}'),
    { event: "lead.captured", proto__x: 1, constructor: 2 },
  ],
  [
    "an event whose data nests a lead",
    aPayload({
      lead: { email: "a@b.example", firstName: "A" },
      campaign: { name: "C" },
      customFields: { x: 1 },
    }),
    { ...UNKNOWN, email: "a@b.example", first_name: "A", campaign_name: "C", x: 1 },
  ],
  [
    "any other payload, flat",
    aPayload({ orderId: 7, customer: { firstName: "A" }, event: "mine" }),
    { event: "lead.captured", order_id: 7, customer__first_name: "A", custom_event: "mine" },
  ],
  ["what holds nothing", aPayload({ a: {}, b: [] }), { event: "lead.captured", a: null, b: [] }],
  ["a payload that is no object", aPayload([1, 2]), { event: "lead.captured", data: [1, 2] }],
])("makes of %s", (_, subject, body) => {
  expect(JSON.parse(zapier.write(input(subject)).text)).toEqual(body);
});

it("takes time for each field once, however many have one name", () => {
  const signs = Array.from({ length: 20_000 }, (_, no) =>
    no.toString(2).replaceAll("0", "!").replaceAll("1", "#"),
  );
  const payload = Object.fromEntries(signs.map((sign) => [`a${sign}`, 1]));
  // As many names as fields, none of them tried twice: a second way to it would take minutes.
  expect(
    Object.keys(JSON.parse(zapier.write(input(aPayload(payload))).text) as object),
  ).toHaveLength(20_001);
});

it("leaves nested what would repeat a long name too often", () => {
  // Found by a review: 235 KB of this kept a process busy for minutes.
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, no) => [`m${no}`, no]));
  const long = "n".repeat(20_000);
  const payload = { [long]: many, few: { ...many }, one: { b: 1 } };
  const { text } = zapier.write(input(aPayload(payload)));
  expect(JSON.parse(text)).toEqual({
    event: "lead.captured",
    [long]: many,
    ...Object.fromEntries(Object.entries(many).map(([name, no]) => [`few__${name}`, no])),
    one__b: 1,
  });
});

it("leaves numbers as they were spelled", () => {
  expect(zapier.write(input(aPayload('{"id":12345678901234567890,"price":1.10}'))).text).toBe(
    '{"event":"lead.captured","id":12345678901234567890,"price":1.10}',
  );
});

it("takes nothing out of the answers, which are 200 also when the Zap is off", () => {
  expect(zapier.read).toBeUndefined();
});
