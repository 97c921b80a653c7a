/** Messages for the WhatsApp Cloud API, played by a server of ours under its own host name. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostsEnvironment } from "@webhook-delivery/shared/testing/hosts.ts";
import { insertMessage, untilMessage } from "@webhook-delivery/shared/testing/outbox.ts";
import { publish, register } from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import type { Vendor } from "./vendor-server.ts";
import { graphError, startWhatsApp, TOKEN } from "./whatsapp-server.ts";

const BAD_TOKEN = "EAAG_bad_token_0123456789";

let service: TestService;
let whatsapp: Vendor;
let endpointId: string;
beforeAll(async () => {
  [service, whatsapp] = await Promise.all([
    startService({
      backend: "postgres",
      env: { ...hostsEnvironment(["graph.facebook.com"]), RETRY_SCHEDULE_SECONDS: "0.1,0.1,0.1" },
    }),
    startWhatsApp(),
  ]);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const { endpoint } = await register(service.api, { url: messagesUrl(), headers });
  endpointId = endpoint.id;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await whatsapp[Symbol.asyncDispose]();
});

function messagesUrl(): string {
  return `http://graph.facebook.com:${whatsapp.port}/v23.0/106540352242922/messages`;
}

async function send(payload: unknown, target: object = { endpointId }) {
  const { id } = await service.api.deliver({ ...target, payload });
  await service.finished(id);
  return service.api.read(id);
}

it("sends a text with the endpoint's token and without a signature", async () => {
  const delivery = await send({ to: "+62 812-345-6789", text: "Halo 🦊" });
  expect(delivery).toMatchObject({ status: "success", format: "whatsapp", responseStatus: 200 });
  const { headers, body } = whatsapp.requests.at(-1) ?? { headers: {}, body: {} };
  expect(body).toEqual({
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: "+628123456789",
    type: "text",
    text: { body: "Halo 🦊" },
  });
  expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
  expect(headers).not.toHaveProperty("webhook-signature");
});

it("takes the token as the secret of a single delivery", async () => {
  const delivery = await send(
    { to: "628123456789", text: "Halo" },
    { webhookUrl: messagesUrl(), webhookSecret: TOKEN },
  );
  expect(delivery.status).toBe("success");
});

it("gives up at a bad token at once and says plainly that it is the token", async () => {
  const delivery = await send(
    { to: "628123456789", text: "Halo" },
    { webhookUrl: messagesUrl(), webhookSecret: BAD_TOKEN },
  );
  expect(delivery).toMatchObject({ status: "failed", attempt: 1, responseStatus: 401 });
  expect(delivery.lastError).toMatch(
    /refused the access token \(error 190\): Malformed access token \*\*\*/,
  );
});

it.each([
  [429, 130429, "Rate limit hit"],
  [400, 130429, "Rate limit hit"],
  [400, 131056, "Pair rate limit hit"],
  [400, 131016, "Service unavailable"],
])("tries again after %i with error %i", async (status, code, message) => {
  whatsapp.answerNext(graphError(status, code, `(#${code}) ${message}`));
  const delivery = await send({ to: "628123456789", text: "Halo" });
  expect(delivery).toMatchObject({ status: "success", attempt: 2 });
  expect(delivery.attempts[0]).toMatchObject({
    responseStatus: status,
    willRetry: true,
    error: `WhatsApp answered ${status}, error ${code}: (#${code}) ${message}`,
  });
});

it("does not try again what will never be taken", async () => {
  whatsapp.answerNext(graphError(400, 131026, "(#131026) Message undeliverable"));
  const delivery = await send({ to: "628123456789", text: "Halo" });
  expect(delivery).toMatchObject({ status: "failed", attempt: 1 });
  expect(delivery.lastError).toMatch(/error 131026.*undeliverable/);
});

it.each([
  ["nobody to send it to", { text: "Halo" }, /phone number/],
  ["a text that is too long", { to: "628123456789", text: "x".repeat(4_097) }, /4096/],
])("refuses %s when asked", async (_, payload, message) => {
  const before = whatsapp.requests.length;
  const answer = await service.api.post("/webhook-delivery", { endpointId, payload });
  expect(answer.status).toBe(400);
  expect(answer.body.error.code).toBe("invalid_payload");
  expect(answer.body.error.message).toMatch(message);
  expect(whatsapp.requests).toHaveLength(before);
});

it("sends no example to a made-up number, but what a test brings", async () => {
  const before = whatsapp.requests.length;
  const path = `/endpoints/${endpointId}/test`;
  const refused = await service.api.post(path, { eventType: "message.sent" });
  expect([refused.status, refused.body.error.code]).toEqual([400, "invalid_payload"]);
  expect((await service.api.post(path)).status).toBe(400);
  const url = await service.api.post("/webhook/test", { url: messagesUrl() });
  expect(url.status).toBe(400);
  expect(whatsapp.requests).toHaveLength(before);
  const payload = { to: "628123456789", text: "This is a test" };
  const sent = await service.api.post(path, { payload });
  expect(sent.body).toMatchObject({ delivered: true, attempt: { responseStatus: 200 } });
  expect(whatsapp.requests).toHaveLength(before + 1);
});

it("sends an event to it as a message, and shows what the API said to one that is none", async () => {
  const data = { to: "628123456789", type: "image", image: { link: "https://example.com/a.png" } };
  const { deliveries } = await publish(service.api, { type: "message.queued", data });
  await service.finished(deliveries[0] ?? "");
  expect(whatsapp.requests.at(-1)?.body).toMatchObject({ type: "image", image: data.image });
  const none = await publish(service.api, { type: "message.queued", data: { hello: 1 } });
  await service.finished(none.deliveries[0] ?? "");
  const refused = await service.api.read(none.deliveries[0] ?? "");
  expect(refused).toMatchObject({ status: "failed", responseStatus: 400, attempt: 1 });
});

describe("a row of the outbox", () => {
  const payload = { text: "Halo 🦊" };
  const insert = (row: object) =>
    insertMessage(service.database.sql, { endpoint_id: endpointId, payload, ...row });
  const until = (id: string, row: object) => untilMessage(service.database.sql, id, row);

  it("goes out as a message", async () => {
    const id = await insert({ to_phone: "628123456789", message_type: "text" });
    await until(id, { status: "sent", attempts: 1, last_error: null });
    expect(whatsapp.requests.at(-1)?.body).toEqual({
      messaging_product: "whatsapp",
      recipient_type: "individual",
      to: "628123456789",
      type: "text",
      text: { body: "Halo 🦊" },
    });
  });

  it("fails with what the API said, or with what is wrong with it", async () => {
    whatsapp.answerNext(graphError(401, 190, "Error validating access token"));
    const refused = await insert({ to_phone: "628123456789" });
    const badToken = expect.stringContaining("access token (error 190)") as string;
    await until(refused, { status: "failed", attempts: 1, last_error: badToken });
    const nobody = await insert({});
    const why = expect.stringMatching(/^invalid_payload: .*phone number/) as string;
    await until(nobody, { status: "failed", attempts: 0, last_error: why });
  });
});

it("keeps tokens out of every answer and log line, also one that the API itself repeats", () => {
  expect(service.everythingSaid()).not.toContain(TOKEN);
  expect(service.everythingSaid()).not.toContain(BAD_TOKEN);
});
