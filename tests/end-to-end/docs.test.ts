/** `/docs` and `/event-types`: what people read before they write to us. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

let service: TestService;

beforeAll(async () => {
  service = await startService({ backend: "postgres", workers: 0 });
});

afterAll(() => service[Symbol.asyncDispose]());

function basic(password: string, user = "anybody"): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

async function open(url: string, headers: Record<string, string> = basic(API_KEY)) {
  const response = await fetch(new URL(url, service.api.url), { headers });
  return { url: response.url, response, text: await response.text() };
}

/** What the page at `url` loads, as a browser resolves it. */
function assetsOf(page: { readonly url: string; readonly text: string }): string[] {
  return [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, link = ""]) => new URL(link, page.url).href,
  );
}

describe.each(["/docs", "/docs/", "/api/docs", "/api/docs/"])("%s", (path) => {
  test("is a page whose every part comes from here", async () => {
    const page = await open(path);
    expect(page.response.status).toBe(200);
    expect(page.response.headers.get("content-type")).toContain("text/html");
    const assets = assetsOf(page);
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      expect(asset).toContain(`${service.api.url}${path.replace(/\/$/, "")}/static/`);
      const { response, text } = await open(asset);
      expect([asset, response.status]).toEqual([asset, 200]);
      expect(text.length).toBeGreaterThan(0);
    }
  });

  test("may load nothing from elsewhere", async () => {
    const policy = (await open(path)).response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*/);
    // A plain http:// address would not find its own parts.
    expect(policy).not.toContain("upgrade-insecure-requests");
  });

  test("shows this service's document", async () => {
    const { text } = await open(`${path.replace(/\/$/, "")}/json`);
    const { text: document } = await open("/openapi.json");
    expect(JSON.parse(text)).toEqual(JSON.parse(document));
  });

  test("is closed without a key, and asks a browser for one", async () => {
    for (const asked of [path, `${path.replace(/\/$/, "")}/static/swagger-ui.css`]) {
      for (const headers of [{}, basic("wrong"), basic(""), { authorization: "Basic !" }]) {
        const { response, text } = await open(asked, headers);
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain(
          'Basic realm="webhook-delivery", charset="UTF-8"',
        );
        expect(JSON.parse(text)).toMatchObject({ error: { code: "unauthorized" } });
      }
    }
  });
});

test("the document is open to a browser too, and to a client's key", async () => {
  const { text } = await service.api.post("/clients", { name: "Reader" });
  const { apiKey } = JSON.parse(text) as { apiKey: string };
  expect((await open("/openapi.json", basic(apiKey, ""))).response.status).toBe(200);
  expect((await open("/docs", { "x-api-key": apiKey })).response.status).toBe(200);
});

test("no other route takes a password, nor asks for one", async () => {
  for (const path of [
    "/webhook-delivery",
    "/event-types",
    "/metrics",
    "/nowhere",
    "/docs/nowhere",
  ]) {
    const { response } = await open(path);
    expect([path, response.status]).toEqual([path, 401]);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="webhook-delivery"');
  }
});

test("every known event type comes with an example", async () => {
  const { status, text } = await service.api.get("/event-types");
  const { eventTypes } = JSON.parse(text) as {
    eventTypes: { type: string; description: string; example: object }[];
  };
  expect(status).toBe(200);
  expect(eventTypes.map(({ type }) => type)).toEqual([
    "lead.captured",
    "message.received",
    "message.sent",
    "message.updated",
    "message.delivered",
    "message.failed",
    "session.status",
    "session.connected",
    "session.disconnected",
    "campaign.started",
    "campaign.completed",
    "endpoint.disabled",
    "endpoint.recovered",
  ]);
  for (const { type, description, example } of eventTypes) {
    expect([type, description.length > 10, Object.keys(example).length > 2]).toEqual([
      type,
      true,
      true,
    ]);
  }
});
