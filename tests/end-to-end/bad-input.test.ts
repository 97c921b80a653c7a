/** Whatever a caller gets wrong is a 4xx with a stable code, and nothing is written. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const URL_ = "https://example.com/hook";
const good = { webhookUrl: URL_, payload: { a: 1 } };

function nested(depth: number): string {
  return `{"webhookUrl":"${URL_}","payload":${"[".repeat(depth)}${"]".repeat(depth)}}`;
}

function withRawPayload(payload: string): string {
  return `{"webhookUrl":"${URL_}","payload":${payload}}`;
}

/** What it is, the body, the code, and the status where it is not 400. */
type Row = readonly [string, unknown, string, number?];

const BODIES: readonly Row[] = [
  ["an array", [good], "invalid_request"],
  ["a string", '"text"', "invalid_request"],
  ["null", "null", "invalid_request"],
  ["no body", "", "invalid_request"],
  ["no JSON", "{webhookUrl:", "invalid_json"],
  ["two JSON values", `${JSON.stringify(good)} {}`, "invalid_json"],
  ["no URL", { payload: {} }, "invalid_request"],
  ["nothing to deliver", { webhookUrl: URL_ }, "invalid_request"],
  ["a URL that is a number", { ...good, webhookUrl: 7 }, "invalid_request"],
  ["a URL that is null", { ...good, webhookUrl: null }, "invalid_request"],
  ["a URL that is an object", { ...good, webhookUrl: { href: URL_ } }, "invalid_request"],
  ["an empty URL", { ...good, webhookUrl: "" }, "invalid_request"],
  ["a URL that is none", { ...good, webhookUrl: "not a url" }, "invalid_url"],
  ["a relative URL", { ...good, webhookUrl: "/hook" }, "invalid_url"],
  ["a URL without a host", { ...good, webhookUrl: "http://" }, "invalid_url"],
  ["ftp:", { ...good, webhookUrl: "ftp://example.com/hook" }, "invalid_url"],
  ["file:", { ...good, webhookUrl: "file:///etc/passwd" }, "invalid_url"],
  ["javascript:", { ...good, webhookUrl: "javascript:alert(1)" }, "invalid_url"],
  ["credentials in the URL", { ...good, webhookUrl: "https://u:p@example.com" }, "invalid_url"],
  ["a port out of range", { ...good, webhookUrl: "https://example.com:99999" }, "invalid_url"],
  ["a URL without end", { ...good, webhookUrl: `${URL_}?${"x".repeat(9_000)}` }, "invalid_url"],
  ["a line break in the URL", { ...good, webhookUrl: `${URL_}\r\nx: y` }, "invalid_url"],
  ["a private address", { ...good, webhookUrl: "http://10.0.0.1/hook" }, "address_refused"],
  ["the metadata address", { ...good, webhookUrl: "http://169.254.169.254/" }, "address_refused"],
  ["a private address in decimal", { ...good, webhookUrl: "http://167772161/" }, "address_refused"],
  [
    "a private address as IPv6",
    { ...good, webhookUrl: "http://[::ffff:10.0.0.1]/" },
    "address_refused",
  ],
  ["IPv6 loopback", { ...good, webhookUrl: "http://[::1]/" }, "address_refused"],
  ["the unspecified address", { ...good, webhookUrl: "http://0.0.0.0/" }, "address_refused"],
  ["an unknown format", { ...good, format: "xml" }, "invalid_request"],
  ["a format that is a number", { ...good, format: 1 }, "invalid_request"],
  ["a secret of one character", { ...good, webhookSecret: "x" }, "invalid_request"],
  ["an empty secret", { ...good, webhookSecret: "" }, "invalid_request"],
  ["a secret that is a number", { ...good, webhookSecret: 12_345_678 }, "invalid_request"],
  [
    "a whsec_ secret that is not base64",
    { ...good, webhookSecret: "whsec_!!!!" },
    "invalid_request",
  ],
  ["a whsec_ secret of nothing", { ...good, webhookSecret: "whsec_" }, "invalid_request"],
  ["no attempts", { ...good, maxAttempts: 0 }, "invalid_request"],
  ["eleven attempts", { ...good, maxAttempts: 11 }, "invalid_request"],
  ["one and a half attempts", { ...good, maxAttempts: 1.5 }, "invalid_request"],
  ["attempts as text", { ...good, maxAttempts: "3" }, "invalid_request"],
  ["metadata that is text", { ...good, metadata: "text" }, "invalid_request"],
  ["metadata that is a list", { ...good, metadata: [] }, "invalid_request"],
  ["test that is text", { webhookUrl: URL_, test: "true" }, "invalid_request"],
  ["a leadId that is a number", { webhookUrl: URL_, leadId: 7 }, "invalid_request"],
  ["a leadId without end", { webhookUrl: URL_, leadId: "x".repeat(256) }, "invalid_request"],
  ["a lead without an id", { webhookUrl: URL_, lead: { email: "a@b.c" } }, "invalid_request"],
  ["a lead that is text", { webhookUrl: URL_, leadId: "a", lead: "b" }, "invalid_request"],
  [
    "a lead's email as a number",
    { webhookUrl: URL_, leadId: "a", lead: { email: 1 } },
    "invalid_request",
  ],
  [
    "a lead captured never",
    { webhookUrl: URL_, leadId: "a", lead: { capturedAt: "never" } },
    "invalid_request",
  ],
  [
    "a lead captured on 30 February",
    { webhookUrl: URL_, leadId: "a", lead: { capturedAt: "2026-02-30T00:00:00.000Z" } },
    "invalid_request",
  ],
  [
    "custom fields that are a list",
    { webhookUrl: URL_, leadId: "a", lead: { customFields: [] } },
    "invalid_request",
  ],
  [
    "a lead, but a refused URL",
    { webhookUrl: "http://10.0.0.1/", leadId: "a", lead: {} },
    "address_refused",
  ],
  ["an event type with a line break", { ...good, eventType: "a\r\nx: y" }, "invalid_request"],
  ["an event type that is not ASCII", { ...good, eventType: "größe" }, "invalid_request"],
  ["an empty event type", { ...good, eventType: "" }, "invalid_request"],
  ["an event type without end", { ...good, eventType: "x".repeat(256) }, "invalid_request"],
  ["an unknown lead", { webhookUrl: URL_, leadId: "nobody" }, "lead_not_found", 404],
  ["U+0000 in the payload", { ...good, payload: { a: "\u0000" } }, "invalid_text"],
  ["U+0000 in a key", { ...good, payload: { "\u0000": 1 } }, "invalid_text"],
  ["U+0000 in the leadId", { webhookUrl: URL_, leadId: "a\u0000" }, "invalid_text"],
  ["half a surrogate pair", withRawPayload(String.raw`"\ud800"`), "invalid_text"],
  ["half a surrogate pair in a key", withRawPayload(String.raw`{"\udc00":1}`), "invalid_text"],
  ["a number out of range", withRawPayload("1e200000"), "invalid_request"],
  ["JSON 65 levels deep", nested(64), "json_too_deep"],
  ["JSON 100,000 levels deep", nested(100_000), "json_too_deep"],
  ["invalid UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), "invalid_utf8"],
  ["UTF-8 cut in half", Buffer.from('{"webhookUrl":"ü"}').subarray(0, 16), "invalid_utf8"],
  ["10 MB", { ...good, payload: "x".repeat(10_000_000) }, "payload_too_large", 413],
  ["one byte too much", `${" ".repeat(262_143)}{}`, "payload_too_large", 413],
];

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;

  beforeAll(async () => {
    const env = { ALLOWED_PRIVATE_CIDRS: "" };
    service = await startService({ backend, workers: 0, env });
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
  });

  async function expectNothingWritten(): Promise<void> {
    const [counts] = await service.database.sql`
      select (select count(*)::int from webhook_deliveries) as deliveries,
             (select count(*)::int from leads) as leads`;
    expect(counts).toEqual({ deliveries: 0, leads: 0 });
  }

  test.concurrent.each(BODIES)("%s is refused", async (_what, body, code, status = 400) => {
    const answer = await service.api.post("/webhook-delivery", body);
    expect(answer).toMatchObject({
      status,
      body: { status: "error", error: { code, message: expect.stringMatching(/\S/) } },
    });
    await expectNothingWritten();
  });

  test.concurrent.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "jsonx",
  ])("content type %s is refused", async (contentType) => {
    const answer = await service.api.post("/webhook-delivery", JSON.stringify(good), {
      contentType,
    });
    expect([answer.status, answer.body.error.code]).toEqual([415, "unsupported_media_type"]);
    await expectNothingWritten();
  });

  test.concurrent("an error says once what is wrong with a field that may be null", async () => {
    const answer = await service.api.post("/webhook-delivery", { ...good, maxAttempts: 11 });
    expect(answer.body.error.details).toEqual([
      { field: "body.maxAttempts", message: "must be <= 10" },
    ]);
  });

  test.concurrent("an error names the field and never the secret", async () => {
    const webhookSecret = "whsec_this-is-not-base64!";
    const answer = await service.api.post("/webhook-delivery", { ...good, webhookSecret });
    expect(answer.body.error.details?.[0]?.field).toBe("body.webhookSecret");
    expect(answer.text).not.toContain("this-is-not-base64");
  });

  test.concurrent("what is not HTTP is answered with 400 and the service lives on", async () => {
    const { port } = new URL(service.api.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connect(Number(port), "127.0.0.1", () => socket.write("NONSENSE\r\n\r\n"));
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await service.api.get("/healthz")).status).toBe(200);
  });

  test("after all of this nothing is written and the service found no fault of its own", async () => {
    await expectNothingWritten();
    expect(service.ingest.lines.map(({ event }) => event)).not.toContain("request.failed");
  });
});
