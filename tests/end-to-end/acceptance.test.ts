/** What is accepted arrives as the contract says, for every way to say what is to be delivered. */
import { createHmac } from "node:crypto";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLE_LEAD, SAMPLE_LEAD_ID } from "@webhook-delivery/shared/core/lead.ts";
import { upsertLead } from "@webhook-delivery/shared/db/leads.ts";
import {
  deliveryTo,
  plainSecret,
  standardSecret,
} from "@webhook-delivery/shared/testing/factories.ts";
import {
  startReceiver,
  type Arrival,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  API_KEY,
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const SAMPLE_WITHOUT_CUSTOM_FIELDS = { ...SAMPLE_LEAD, customFields: undefined };

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    [service, receiver] = await Promise.all([startService({ backend }), startReceiver()]);
    const { id, ...fields } = SAMPLE_LEAD;
    await upsertLead(service.database.sql, { id, clientId: null }, fields);
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  async function leadStatus(id: string): Promise<unknown> {
    const [row] = await service.database.sql`select status from leads where id = ${id}`;
    return row?.["status"];
  }

  test.concurrent("the body can be seen before, and is what was sent, byte for byte", async () => {
    const hook = receiver.hook();
    const raw = `{"webhookUrl":"${hook.url}","payload":{"price":1.0,"id":12345678901234567890},"eventType":"seen.before"}`;
    const preview = await service.api.post("/formats/auto/preview", raw);
    const delivery = await service.api.deliver(raw);
    const [arrival] = await hook.waitFor(1);
    const body = arrival?.body;
    const { body: kept } = await service.api.read(delivery.id);
    expect(kept).toBe(body);
    const withoutTime = (text: unknown) => String(text).replace(/"timestamp":"[^"]+"/, "");
    expect(preview.body).toMatchObject({ status: "success", format: "standard" });
    const shown = (preview.body as unknown as { readonly body: string }).body;
    expect(withoutTime(shown)).toBe(withoutTime(body));
    // Nothing is written, and what would be refused is refused.
    const lead = { leadId: "previewed", lead: { email: "a@b.c" } };
    const shownLead = await service.api.post("/formats/zapier/preview", lead);
    expect([shownLead.status, shownLead.text.includes("a@b.c")]).toEqual([200, true]);
    const refusals = await Promise.all([
      service.api.get("/leads/previewed"),
      service.api.post("/formats/zapier/preview", { leadId: "previewed" }),
      service.api.post("/formats/whatsapp/preview", { payload: { to: "nobody" } }),
      service.api.post("/formats/xml/preview", { payload: {} }),
      service.api.post("/formats/raw/preview", {}),
    ]);
    expect(refusals.map((one) => [one.status, one.body.error.code])).toEqual([
      [404, "lead_not_found"],
      [404, "lead_not_found"],
      [400, "invalid_payload"],
      [400, "invalid_request"],
      [400, "invalid_request"],
    ]);
  });

  test.concurrent("the contract's curl line delivers the test lead", async () => {
    const hook = receiver.hook();
    const body = {
      leadId: SAMPLE_LEAD_ID,
      webhookUrl: hook.url,
      webhookSecret: "test-secret",
      campaignName: "Test Campaign",
    };
    const { stdout } = await promisify(execFile)("curl", [
      "-sS",
      "-w\n%{http_code}",
      "-XPOST",
      `-HAuthorization: Bearer ${API_KEY}`,
      "-Hcontent-type: application/json",
      `-d${JSON.stringify(body)}`,
      `${service.api.url}/api/webhook-delivery`,
    ]);
    const [text = "", status] = stdout.split("\n");
    expect(status).toBe("202");
    const { delivery } = JSON.parse(text) as { delivery: { id: string } };

    const [arrival] = await hook.waitFor(1);
    expect(arrival?.method).toBe("POST");
    expect(JSON.parse(arrival?.body ?? "")).toEqual({
      type: "lead.captured",
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: {
        lead: JSON.parse(JSON.stringify(SAMPLE_WITHOUT_CUSTOM_FIELDS)),
        campaign: { name: "Test Campaign" },
        customFields: {},
      },
    });
    await service.finished(delivery.id);
    expect(await leadStatus(SAMPLE_LEAD_ID)).toBe("webhook_sent");
  });

  test.concurrent("a delivered lead becomes webhook_sent and a refused one does not", async () => {
    const [good, bad] = [receiver.hook(200), receiver.hook(404)];
    const [delivered, refused] = await Promise.all([
      service.api.deliver({ webhookUrl: good.url, leadId: "lead-1", lead: { email: "a@b.c" } }),
      service.api.deliver({ webhookUrl: bad.url, leadId: "lead-2", lead: { email: "c@d.e" } }),
    ]);
    await Promise.all([service.finished(delivered.id), service.finished(refused.id)]);
    expect(await leadStatus("lead-1")).toBe("webhook_sent");
    expect(await leadStatus("lead-2")).toBeNull();
  });

  test.concurrent("an inline lead is written and later changed field by field", async () => {
    const hook = receiver.hook();
    const send = (lead: object) =>
      service.api.deliver({ webhookUrl: hook.url, leadId: "lead-inline", lead });
    await send({ email: "old@example.com", company: "Kept Ltd", customFields: { a: 1 } });
    await hook.waitFor(1);
    await send({ email: "new@example.com", customFields: { b: 2 } });
    const [, second] = await hook.waitFor(2);
    const { data } = JSON.parse(second?.body ?? "") as { data: Record<string, unknown> };
    expect(data).toMatchObject({
      lead: { id: "lead-inline", email: "new@example.com", company: "Kept Ltd" },
      customFields: { a: 1, b: 2 },
    });
  });

  test.concurrent("an unknown lead is answered with 404 and nothing leaves", async () => {
    const hook = receiver.hook();
    const answer = await service.api.post("/webhook-delivery", {
      webhookUrl: hook.url,
      leadId: "nobody",
    });
    expect(answer.status).toBe(404);
    expect(answer.body.error.code).toBe("lead_not_found");
    const [row] = await service.database.sql`
      select count(*)::int as count from webhook_deliveries where lead_id = 'nobody'`;
    expect(row).toEqual({ count: 0 });
    expect(hook.arrivals).toEqual([]);
  });

  test.concurrent("test: true sends the sample lead and is marked as a test", async () => {
    const hook = receiver.hook();
    const delivery = await service.api.deliver({ webhookUrl: hook.url, test: true });
    expect(delivery.isTestDelivery).toBe(true);
    const [arrival] = await hook.waitFor(1);
    const { data } = JSON.parse(arrival?.body ?? "") as { data: { lead: { email: string } } };
    expect(data.lead.email).toBe(SAMPLE_LEAD.email);
  });

  test.concurrent("a raw payload arrives byte for byte on every attempt", async () => {
    const hook = receiver.hook(500, 200);
    const payload = '{"b":1.0,"a":[12345678901234567890], "ü" : "\\u00e9é\\/" }';
    const text = `{"webhookUrl":"${hook.url}","format":"raw","payload":${payload}}`;
    const { id } = await service.api.deliver(text);
    // The default schedule's first wait is 5 s.
    const arrivals = await hook.waitFor(2);
    expect(arrivals.map(({ body }) => body)).toEqual([payload, payload]);
    expect(arrivals.map(({ headers }) => headers["webhook-id"])).toEqual([id, id]);
    expect(arrivals.map(({ headers }) => headers["x-webhook-attempt"])).toEqual(["1", "2"]);
  });

  test.concurrent.each(['"text"', "0.10", "false", "[1e3, {}]"])(
    "the payload %s needs not be an object",
    async (payload) => {
      const hook = receiver.hook();
      const text = `{"webhookUrl":"${hook.url}","format":"raw","payload":${payload}}`;
      await service.api.deliver(text);
      const [arrival] = await hook.waitFor(1);
      expect(arrival?.body).toBe(payload);
    },
  );

  test.concurrent("the request carries exactly the contract's headers", async () => {
    const hook = receiver.hook();
    const { id } = await service.api.deliver(
      deliveryTo(hook, { webhookSecret: plainSecret(), eventType: "lead.updated" }),
    );
    const [{ headers, atMs }] = (await hook.waitFor(1)) as [Arrival];
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": expect.stringMatching(/^webhook-delivery\/\d+\.\d+\.\d+$/),
      "webhook-id": id,
      "x-webhook-event": "lead.updated",
      "x-webhook-attempt": "1",
      "x-webhook-version": "1.0",
      "webhook-signature": expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
      "x-webhook-signature": expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
    });
    expect(headers["x-webhook-timestamp"]).toBe(headers["webhook-timestamp"]);
    expect(Math.abs(Number(headers["webhook-timestamp"]) - atMs / 1000)).toBeLessThan(3);
  });

  test.concurrent.each([
    ["whsec_", standardSecret()],
    ["plain text", plainSecret()],
    ["non-ASCII", "schlüssel-🔑"],
  ])("both signatures of a %s secret verify with the reference library", async (_kind, secret) => {
    const hook = receiver.hook();
    await service.api.deliver(deliveryTo(hook, { webhookSecret: secret, payload: { n: "ü€🔑" } }));
    const [{ headers, body, bytes }] = (await hook.waitFor(1)) as [Arrival];
    const key = secret.startsWith("whsec_")
      ? Buffer.from(secret.slice("whsec_".length), "base64")
      : Buffer.from(secret, "utf8");
    const webhook = new Webhook(key.toString("base64"));
    const signed = headers as Record<string, string>;
    expect(webhook.verify(body, signed)).toEqual({ n: "ü€🔑" });
    expect(() => webhook.verify(`${body} `, signed)).toThrow("No matching signature found");
    const hmac = createHmac("sha256", key).update(bytes).digest("hex");
    expect(headers["x-webhook-signature"]).toBe(`sha256=${hmac}`);
  });

  test.concurrent.each([[undefined], [null]])(
    "without a secret (%s) there is no signature header at all",
    async (webhookSecret) => {
      const hook = receiver.hook();
      await service.api.deliver(deliveryTo(hook, { webhookSecret }));
      const [{ headers }] = (await hook.waitFor(1)) as [Arrival];
      expect(Object.keys(headers).filter((name) => name.includes("signature"))).toEqual([]);
      expect(headers["webhook-id"]).toBeDefined();
    },
  );
});
