import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SAMPLE_LEAD } from "../lead.ts";
import type { FormatInput, Subject } from "./format.ts";
import { FORMATS, readAnswer, REQUESTED_FORMATS, resolveFormat } from "./registry.ts";

/** A spelling that parsing and printing would change: key order, `1.0`, spaces, a 20-digit number. */
const PAYLOAD_TEXT = '{ "b":1.0, "a":12345678901234567890,"b":"\\u0041\\/" }';

const LEAD: Subject = {
  kind: "lead",
  lead: { ...SAMPLE_LEAD, company: 'Engines "Ltd"', customFields: { tier: "gold", seats: 5 } },
  campaignName: "Test Campaign",
  customFields: { seats: 7 },
};
const PAYLOAD: Subject = { kind: "payload", payloadText: PAYLOAD_TEXT };

function input(subject: Subject, eventType = "lead.captured"): FormatInput {
  return { eventType, timestamp: "2026-03-01T12:00:00.000Z", subject };
}

const LEAD_TEXT =
  '{"lead":{"id":"test-lead-id","email":"ada.lovelace@example.com","firstName":"Ada",' +
  '"lastName":"Lovelace","linkedinId":"ada-lovelace",' +
  '"linkedinUrl":"https://www.linkedin.com/in/ada-lovelace","company":"Engines \\"Ltd\\"",' +
  '"title":"Head of Computing","source":"sample","capturedAt":"2026-01-01T09:00:00.000Z"},' +
  '"campaign":{"name":"Test Campaign"},"customFields":{"tier":"gold","seats":7}}';

describe("standard", () => {
  it("wraps a payload in type, timestamp and data and leaves its spelling alone", () => {
    expect(FORMATS.standard.write(input(PAYLOAD)).text).toBe(
      `{"type":"lead.captured","timestamp":"2026-03-01T12:00:00.000Z","data":${PAYLOAD_TEXT}}`,
    );
  });

  it("nests a lead, its campaign and its custom fields, the delivery's own fields winning", () => {
    expect(FORMATS.standard.write(input(LEAD)).text).toBe(
      `{"type":"lead.captured","timestamp":"2026-03-01T12:00:00.000Z","data":${LEAD_TEXT}}`,
    );
  });

  it("names no campaign when none was given", () => {
    const text = FORMATS.standard.write(input({ ...LEAD, campaignName: null })).text;
    expect(JSON.parse(text)).toMatchObject({ data: { campaign: { name: null } } });
  });

  it("stays one JSON object whatever the event type and the payload hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.json(), (eventType, payloadText) => {
        const text = FORMATS.standard.write(
          input({ kind: "payload", payloadText }, eventType),
        ).text;
        expect(JSON.parse(text)).toEqual({
          type: eventType,
          timestamp: "2026-03-01T12:00:00.000Z",
          data: JSON.parse(payloadText),
        });
      }),
    );
  });
});

describe("raw", () => {
  it("is the payload byte for byte", () => {
    expect(FORMATS.raw.write(input(PAYLOAD)).text).toBe(PAYLOAD_TEXT);
  });

  it("is the nested lead without an envelope", () => {
    expect(FORMATS.raw.write(input(LEAD)).text).toBe(LEAD_TEXT);
  });
});

describe("every format", () => {
  it("gives the same text for the same input, so that every attempt sends the same body", () => {
    for (const format of Object.values(FORMATS)) {
      expect(format.write(input(LEAD)).text).toBe(format.write(input(LEAD)).text);
      expect(format.write(input(PAYLOAD)).text).toBe(format.write(input(PAYLOAD)).text);
    }
  });

  it("makes JSON of any payload that there is", () => {
    fc.assert(
      fc.property(fc.json(), (payloadText) => {
        const subject: Subject = { kind: "payload", payloadText };
        for (const format of Object.values(FORMATS)) {
          expect(() => JSON.parse(format.write(input(subject)).text) as unknown).not.toThrow();
        }
      }),
    );
  });

  it("can be asked for by name", () => {
    expect(REQUESTED_FORMATS).toEqual([
      "auto",
      "standard",
      "zapier",
      "make",
      "convertkit",
      "whatsapp",
      "raw",
    ]);
  });
});

describe("auto", () => {
  it.each([
    ["https://hooks.zapier.com/hooks/catch/1/abc/", "zapier"],
    ["https://hook.make.com/abc", "make"],
    ["https://hook.eu1.make.com/abc", "make"],
    ["https://hook.us2.make.com:8443/abc?x=1", "make"],
    ["https://api.kit.com/v4/forms/1/subscribers", "convertkit"],
    ["https://api.convertkit.com/v3/forms/1/subscribe", "convertkit"],
    ["https://graph.facebook.com/v23.0/1/messages", "whatsapp"],
    ["https://example.com/hooks.zapier.com", "standard"],
    ["https://hooks.zapier.com.example.com/", "standard"],
    ["https://evil-hook.eu1.make.com.example/", "standard"],
    ["https://myhook.make.com/", "standard"],
    ["https://zapier.com/hooks", "standard"],
    ["http://127.0.0.1:4000/", "standard"],
    ["http://[::1]:4000/", "standard"],
  ])("takes %s for %s", (url, format) => {
    expect(resolveFormat("auto", url)).toBe(format);
  });

  it("never overrules what was asked for", () => {
    expect(resolveFormat("raw", "https://hooks.zapier.com/hooks/catch/1/abc/")).toBe("raw");
  });
});

describe("answers", () => {
  const QUEUE_IS_FULL = { status: 400, headers: {}, body: "Queue is full" };
  const SLOWER = { status: 429, headers: {}, body: "" };
  const MAKE = { format: "raw", url: "https://hook.eu1.make.com/a", isEndpoint: true } as const;
  const LOCAL = { format: "make", url: "http://127.0.0.1/", isEndpoint: false } as const;

  it("are read as its vendor's where the host is a vendor's, else as the format's", () => {
    const later = { isWorthRetrying: true, concerns: "destination" };
    expect(readAnswer(QUEUE_IS_FULL, MAKE)).toMatchObject(later);
    expect(readAnswer(QUEUE_IS_FULL, LOCAL)).toMatchObject(later);
    expect(readAnswer(QUEUE_IS_FULL, { ...LOCAL, format: "raw" })).toBeUndefined();
  });

  it("to one customer of a vendor's concern no other one's deliveries there", () => {
    const later = { isWorthRetrying: true, concerns: "delivery" };
    const oneUrl = { ...MAKE, isEndpoint: false };
    expect(readAnswer(QUEUE_IS_FULL, oneUrl)).toMatchObject(later);
    expect(readAnswer(SLOWER, oneUrl)).toMatchObject(later);
    expect(readAnswer(SLOWER, MAKE)).toBeUndefined();
    expect(readAnswer(SLOWER, { ...LOCAL, format: "raw" })).toBeUndefined();
    expect(readAnswer({ ...SLOWER, status: 503 }, oneUrl)).toBeUndefined();
  });
});
