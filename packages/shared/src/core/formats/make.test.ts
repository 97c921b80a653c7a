import { describe, expect, it } from "vitest";
import type { Subject } from "./format.ts";
import { aLead, aPayload, input, NOBODY, TIMESTAMP } from "./lead.fixture.ts";
import { make } from "./make.ts";

const HEAD = { event: "lead.captured", timestamp: TIMESTAMP };
const NOTHING_KNOWN = {
  email: null,
  firstName: null,
  lastName: null,
  linkedinId: null,
  linkedinUrl: null,
  company: null,
  jobTitle: null,
  source: null,
  capturedAt: null,
};

it.each<[string, Subject, object]>([
  [
    "a lead with custom fields of any names and depth",
    aLead({ customFields: { email: "other", Größe: { cm: 180 } } }),
    {
      ...HEAD,
      lead: {
        email: "zoë@example.com",
        firstName: "Zoë",
        lastName: "Łukasiewicz 李 🦊",
        linkedinId: "zoe",
        linkedinUrl: "https://www.linkedin.com/in/zoe",
        company: 'Engines "Ltd"',
        jobTitle: "Head of Computing",
        source: "ads",
        capturedAt: "2026-01-01T09:00:00.000Z",
      },
      campaign: { name: "Spring" },
      customFields: { email: "other", Größe: { cm: 180 } },
    },
  ],
  [
    "a lead of which nothing is known",
    aLead({ lead: NOBODY, campaignName: null }),
    {
      ...HEAD,
      lead: NOTHING_KNOWN,
      campaign: { name: null },
      customFields: {},
    },
  ],
  [
    "an event whose data nests a lead, with all that stands beside it",
    aPayload({ lead: { email: "a@b.example", phone: "+1" }, score: 5 }),
    {
      ...HEAD,
      lead: { ...NOTHING_KNOWN, email: "a@b.example" },
      campaign: { name: null },
      customFields: { phone: "+1", score: 5 },
    },
  ],
  ["any other payload", aPayload({ orderId: 7 }), { ...HEAD, data: { orderId: 7 } }],
])("makes of %s", (_, subject, body) => {
  expect(JSON.parse(make.write(input(subject)).text)).toEqual(body);
});

it("leaves a payload as it was spelled", () => {
  const text = '{ "b":1.0, "a":12345678901234567890 }';
  expect(make.write(input(aPayload(text))).text).toContain(`"data":${text}}`);
});

describe("an answer", () => {
  const answer = (status: number, body: string) => make.read?.({ status, headers: {}, body });

  it.each(["Queue is full", "Queue is full.", "queue is full\n"])("400 %j means later", (body) => {
    expect(answer(400, body)).toMatchObject({ isWorthRetrying: true, concerns: "destination" });
  });

  it.each([
    [400, "Bad request"],
    [200, "Accepted"],
    [410, "Webhook not found."],
    [429, "Too many requests"],
    [500, "Queue is full"],
  ])("%i %j means what HTTP says", (status, body) => {
    expect(answer(status, body)).toBeUndefined();
  });
});
