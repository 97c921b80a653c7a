/** Leads for Zapier and Make, played by a server of ours under their own host names. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hostsEnvironment } from "@webhook-delivery/shared/testing/hosts.ts";
import { readEndpoint, register } from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import { startVendor, type Vendor, type VendorAnswer } from "./vendor-server.ts";

const LEAD = { email: "zoë@example.com", firstName: "Zoë", title: "Head" };
const MAKE = "hook.eu1.make.com";
const ZAPIER = "hooks.zapier.com";

let service: TestService;
let vendor: Vendor;
let answer: VendorAnswer;
beforeAll(async () => {
  [service, vendor] = await Promise.all([
    startService({
      backend: "postgres",
      env: {
        ...hostsEnvironment([MAKE, ZAPIER]),
        RETRY_SCHEDULE_SECONDS: "0.1,0.1,0.1",
        // What is understood does not depend on what is kept.
        RESPONSE_BODY_LIMIT: "5",
      },
    }),
    startVendor(() => answer),
  ]);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await vendor[Symbol.asyncDispose]();
});
afterEach(() => {
  answer = { status: 200, body: "Accepted" };
});

const urlAt = (host: string, path: string) => `http://${host}:${vendor.port}${path}`;

async function deliver(request: object) {
  const { id } = await service.api.deliver({ leadId: "l", lead: LEAD, ...request });
  await service.finished(id);
  return service.api.read(id);
}

describe("Zapier", () => {
  const webhookUrl = () => urlAt(ZAPIER, "/hooks/catch/123/abc/");

  it("gets one flat object, signed for whoever catches it raw", async () => {
    answer = { status: 200, body: { status: "success", id: "1" } };
    const customFields = { email: "other", budgetEUR: 5 };
    const delivery = await deliver({
      webhookUrl: webhookUrl(),
      webhookSecret: "test-secret",
      customFields,
    });
    expect(delivery).toMatchObject({ status: "success", format: "zapier" });
    const { body, headers } = vendor.requests.at(-1) ?? { body: {}, headers: {} };
    expect(body).toMatchObject({
      event: "lead.captured",
      email: "zoë@example.com",
      first_name: "Zoë",
      last_name: null,
      title: "Head",
      custom_email: "other",
      budget_eur: 5,
    });
    expect(headers).toHaveProperty("webhook-signature");
  });

  it("is tried again after 429", async () => {
    vendor.answerNext({ status: 429, body: "Too Many Requests" });
    expect(await deliver({ webhookUrl: webhookUrl() })).toMatchObject({
      status: "success",
      attempt: 2,
    });
  });
});

describe("Make", () => {
  const webhookUrl = () => urlAt(MAKE, "/a1b2c3");

  it("gets nested JSON in camelCase", async () => {
    const delivery = await deliver({ webhookUrl: webhookUrl(), campaignName: "Spring" });
    expect(delivery).toMatchObject({ status: "success", format: "make" });
    expect(vendor.requests.at(-1)?.body).toMatchObject({
      event: "lead.captured",
      lead: { email: "zoë@example.com", jobTitle: "Head" },
      campaign: { name: "Spring" },
      customFields: {},
    });
  });

  it.each(["auto", "raw", "standard"])(
    "is tried again when its queue is full (%s)",
    async (format) => {
      vendor.answerNext({ status: 400, body: "Queue is full" });
      const delivery = await deliver({ webhookUrl: webhookUrl(), format });
      expect(delivery).toMatchObject({ status: "success", attempt: 2 });
      expect(delivery.attempts[0]).toMatchObject({
        willRetry: true,
        responseBody: "Queue",
        error: expect.stringContaining("queue is full") as string,
      });
    },
  );

  it("is tried again at any other address that was given its format, and at no other", async () => {
    const elsewhere = urlAt("127.0.0.1", "/make");
    vendor.answerNext({ status: 400, body: "Queue is full" });
    expect(await deliver({ webhookUrl: elsewhere, format: "make" })).toMatchObject({
      status: "success",
    });
    vendor.answerNext({ status: 400, body: "Queue is full" });
    expect(await deliver({ webhookUrl: elsewhere })).toMatchObject({
      status: "failed",
      attempt: 1,
    });
  });

  it("keeps nobody waiting when another customer of the host is to slow down", async () => {
    vendor.answerNext({ status: 429, headers: { "retry-after": "60" }, body: "Too many requests" });
    const request = { webhookUrl: urlAt(MAKE, "/theirs"), leadId: "l", lead: LEAD };
    const { id } = await service.api.deliver(request);
    await service.attempted(id, 1);
    expect(await deliver({ webhookUrl: webhookUrl() })).toMatchObject({ status: "success" });
    expect(await service.api.read(id)).toMatchObject({ status: "pending", attempt: 1 });
  });

  it("is not tried again after any other 400", async () => {
    vendor.answerNext({ status: 400, body: "Invalid request" });
    expect(await deliver({ webhookUrl: webhookUrl() })).toMatchObject({
      status: "failed",
      attempt: 1,
    });
  });

  it("disables an endpoint whose scenario is gone", async () => {
    const { endpoint } = await register(service.api, { url: webhookUrl() });
    vendor.answerNext({ status: 410, body: "Webhook not found." });
    await deliver({ endpointId: endpoint.id });
    await expect
      .poll(() => readEndpoint(service.api, endpoint.id))
      .toMatchObject({ enabled: false, disabledReason: "gone" });
  });
});
