import { describe, expect, it } from "vitest";
import { findMeant } from "./resemblance.ts";

const DELIVERY = [
  "webhookUrl",
  "endpointId",
  "webhookSecret",
  "leadId",
  "lead",
  "campaignName",
  "customFields",
  "payload",
  "eventType",
  "format",
  "maxAttempts",
  "metadata",
  "test",
];

describe("a name that is not known", () => {
  it.each([
    ["webhookSecert", "webhookSecret"],
    ["webhookSecrets", "webhookSecret"],
    ["webhok_secert", "webhookSecret"],
    ["webhook_secret", "webhookSecret"],
    ["WebhookURL", "webhookUrl"],
    ["webhook-url ", "webhookUrl"],
    ["secret", "webhookSecret"],
    ["signing_secret", "webhookSecret"],
    ["url", "webhookUrl"],
    ["paylod", "payload"],
    ["maxAttempt", "maxAttempts"],
    ["max_atempts", "maxAttempts"],
    ["evenType", "eventType"],
    ["fromat", "format"],
    ["metaData", "metadata"],
    ["campaign", "campaignName"],
    ["leadID", "leadId"],
    ["tset", "test"],
    ["tests", "test"],
  ])("%s is taken for %s", (written, known) => {
    expect(findMeant(written, DELIVERY)).toBe(known);
  });

  it.each([
    ["text", DELIVERY],
    ["note", DELIVERY],
    ["priority", DELIVERY],
    ["tenantId", DELIVERY],
    ["clientId", DELIVERY],
    ["sender", DELIVERY],
    ["tags", DELIVERY],
    ["id", DELIVERY],
    ["name", DELIVERY],
    ["", DELIVERY],
    ["_", DELIVERY],
    ["__proto__", DELIVERY],
    ["date", ["type", "data", "timestamp"]],
    ["phone", ["email", "firstName", "lastName"]],
    ["x".repeat(100_000), DELIVERY],
  ])("%.20s resembles nothing", (written, known) => {
    expect(findMeant(written, known)).toBeUndefined();
  });

  it("of up to four letters is not taken for one that was given as well", () => {
    expect(findMeant("dat", ["data"], new Set(["data"]))).toBeUndefined();
    expect(findMeant("dat", ["data"])).toBe("data");
    expect(findMeant("paylod", ["payload"], new Set(["payload"]))).toBe("payload");
  });
});
