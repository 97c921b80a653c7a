/** Leads for Kit, which is played by a server of ours under Kit's own host names. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { hostsEnvironment } from "@webhook-delivery/shared/testing/hosts.ts";
import { bodyOf, publish, register } from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import { KIT_KEY, startKit, type Kit } from "./kit-server.ts";

const LEAD = { email: "zoë@example.com", firstName: "Zoë", lastName: "李", company: "Engines" };

let service: TestService;
let kit: Kit;
beforeAll(async () => {
  [service, kit] = await Promise.all([
    startService({
      backend: "redis",
      env: {
        ...hostsEnvironment(["api.kit.com", "api.convertkit.com"]),
        RETRY_SCHEDULE_SECONDS: "0.1,0.1,0.1",
      },
    }),
    startKit(["forms/1", "tags/2", "forms/3"]),
  ]);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await kit[Symbol.asyncDispose]();
});

/** Every test a path of its own, but the same receiver. */
function urlOf(path: string, host = "api.kit.com"): string {
  return `http://${host}:${kit.port}${path}`;
}

async function deliver(request: object, path: string, host?: string) {
  const { id } = await service.api.deliver({
    webhookUrl: urlOf(path, host),
    webhookSecret: KIT_KEY,
    ...request,
  });
  await service.finished(id);
  return service.api.read(id);
}

it("writes the subscriber and adds it to the form, both calls in the log", async () => {
  const before = kit.requests.length;
  const path = "/v4/forms/1/subscribers";
  const delivery = await deliver({ leadId: "l1", lead: LEAD, campaignName: "Spring" }, path);

  expect(delivery).toMatchObject({
    status: "success",
    format: "convertkit",
    attempt: 1,
    responseStatus: 201,
  });
  const fields = { last_name: "李", company: "Engines", campaign_name: "Spring" };
  expect(kit.subscribers.get(LEAD.email)).toEqual({ first_name: "Zoë", fields });
  expect(kit.lists.get("forms/1")).toContain(LEAD.email);
  expect(delivery.attempts).toMatchObject([
    { attemptNumber: 1, requestUrl: urlOf("/v4/subscribers"), responseStatus: 201, error: null },
    { attemptNumber: 1, requestUrl: null, responseStatus: 201, error: null },
  ]);
  const calls = kit.requests.slice(before);
  expect(calls.map(({ path: called }) => called)).toEqual(["/v4/subscribers", path]);
  for (const { headers } of calls) {
    expect(headers["x-kit-api-key"]).toBe(KIT_KEY);
    expect(headers).not.toHaveProperty("webhook-signature");
    expect(headers).not.toHaveProperty("x-webhook-signature");
  }
  expect(delivery.attempts[0]?.requestHeaders).toMatchObject({ "x-kit-api-key": "***" });
});

it("takes the key from an endpoint's header, for events too, and adds to a tag", async () => {
  const { endpoint } = await register(service.api, {
    url: urlOf("/v4/tags/2/subscribers"),
    headers: { "X-Kit-Api-Key": KIT_KEY },
    eventTypes: ["lead.tagged"],
  });
  const data = {
    lead: { email: "tag@example.com", firstName: "T" },
    customFields: { plan: "pro" },
  };
  const { deliveries } = await publish(service.api, { type: "lead.tagged", data });
  await service.finished(deliveries[0] ?? "");
  expect(kit.lists.get("tags/2")).toContain("tag@example.com");
  expect(kit.subscribers.get("tag@example.com")).toMatchObject({ fields: { plan: "pro" } });
  expect(endpoint).toMatchObject({ headers: { "x-kit-api-key": "***" } });
});

it("makes both calls again when the second fails, which does no harm", async () => {
  const path = "/v4/forms/3/subscribers";
  kit.answerNext(
    { status: 200, body: { subscriber: {} } },
    { status: 502, body: "<html>Bad gateway</html>" },
  );
  const delivery = await deliver(
    { leadId: "l2", lead: { ...LEAD, email: "again@example.com" } },
    path,
  );
  expect(delivery).toMatchObject({ status: "success", attempt: 2 });
  expect(
    delivery.attempts.map((one) => [one.attemptNumber, one.responseStatus, one.willRetry]),
  ).toEqual([
    [1, 200, false],
    [1, 502, true],
    [2, 201, false],
    [2, 201, false],
  ]);
  expect(kit.lists.get("forms/3")).toEqual(new Set(["again@example.com"]));
});

it.each([
  [
    "a wrong key",
    { webhookSecret: "kit_wrong_key" },
    "/v4/forms/1/subscribers",
    /refused the API key.*access token is invalid/,
    1,
  ],
  [
    "an address that is none",
    { lead: { email: "nobody" } },
    "/v4/forms/1/subscribers",
    /422: Email address is invalid/,
    1,
  ],
  ["an unknown form", {}, "/v4/forms/99/subscribers", /404: Not Found/, 2],
])("gives up at %s and says why", async (_, also, path, message, calls) => {
  const delivery = await deliver(
    { leadId: "l3", lead: { ...LEAD, email: "no@example.com" }, ...also },
    path,
  );
  expect(delivery).toMatchObject({ status: "failed", errorType: "http", attempt: 1 });
  expect(delivery.lastError).toMatch(message);
  expect(delivery.attempts).toHaveLength(calls);
});

it("waits a minute after 429, which names no time", async () => {
  const limited = await startKit([]);
  try {
    limited.answerNext({ status: 429, body: "Retry later" });
    const webhookUrl = `http://api.kit.com:${limited.port}/v4/subscribers`;
    const request = { webhookUrl, webhookSecret: KIT_KEY, leadId: "l4", lead: LEAD };
    const { id } = await service.api.deliver(request);
    await service.attempted(id, 1);
    const { status, attempts } = await service.api.read(id);
    expect(status).toBe("pending");
    const [attempt] = attempts;
    const endedAt = Date.parse(attempt?.attemptedAt ?? "") + (attempt?.durationMs ?? 0);
    const waitMs = Date.parse(attempt?.retryAt ?? "") - endedAt;
    expect(waitMs).toBeGreaterThanOrEqual(59_900);
    expect(waitMs).toBeLessThan(64_000);
  } finally {
    await limited[Symbol.asyncDispose]();
  }
});

it("speaks version 3 with api.convertkit.com, the key in the body and nowhere else", async () => {
  const lead = { ...LEAD, email: "v3@example.com", customFields: { tags: [7, 8] } };
  const delivery = await deliver(
    { leadId: "l5", lead },
    "/v3/forms/1/subscribe",
    "api.convertkit.com",
  );
  expect(delivery).toMatchObject({ status: "success", format: "convertkit" });
  expect(kit.requests.at(-1)?.body).toEqual({
    api_key: KIT_KEY,
    email: "v3@example.com",
    first_name: "Zoë",
    fields: { last_name: "李", company: "Engines" },
    tags: [7, 8],
  });
  const wrong = await deliver(
    { leadId: "l5", webhookSecret: "wrong" },
    "/v3/forms/1/subscribe",
    "api.convertkit.com",
  );
  expect(wrong.lastError).toMatch(/refused the API key.*API Key not valid/);
});

it("refuses a lead without an address when asked directly, and writes nothing", async () => {
  const request = {
    webhookUrl: urlOf("/v4/subscribers"),
    leadId: "no-address",
    lead: { firstName: "Nobody" },
  };
  const answer = await service.api.post("/webhook-delivery", request);
  expect(answer.status).toBe(400);
  expect(answer.body.error).toMatchObject({
    code: "invalid_payload",
    details: [{ field: "body" }],
  });
  const good = { ...request, lead: { email: "good@example.com" }, leadId: "good" };
  const batch = await service.api.post("/webhook-delivery/batch", { deliveries: [request, good] });
  expect(batch.body).toMatchObject({
    results: [{ status: "error", error: { code: "invalid_payload" } }, { status: "success" }],
  });
  expect((await service.api.get("/leads/no-address")).status).toBe(404);
  bodyOf(await service.api.get("/leads/good"), 200);
});

it("sends what Kit will refuse where nobody waits for an answer, so that the log shows it", async () => {
  await register(service.api, {
    url: urlOf("/v4/subscribers"),
    headers: { "x-kit-api-key": KIT_KEY },
    eventTypes: ["order.made"],
  });
  const { deliveries } = await publish(service.api, { type: "order.made", data: { orderId: 1 } });
  await service.finished(deliveries[0] ?? "");
  expect(await service.api.read(deliveries[0] ?? "")).toMatchObject({
    status: "failed",
    responseStatus: 422,
  });
});

it("keeps the key out of every answer, log line and row", async () => {
  expect(service.everythingSaid()).not.toContain(KIT_KEY);
  const [{ found } = { found: -1 }] = await service.database.sql<{ found: number }[]>`
    select (select count(*)::int from webhook_deliveries as row where row::text like ${`%${KIT_KEY}%`})
      + (select count(*)::int from webhook_delivery_logs as row where row::text like ${`%${KIT_KEY}%`})
      as found`;
  expect(found).toBe(0);
});
