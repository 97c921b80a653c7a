import * as fc from "fast-check";
import { fastify, type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { requireApiKey } from "./auth.ts";
import { answerErrors } from "./errors.ts";

const KEY = "key-one";
const OTHER_KEY = "key-two!~";
let app: FastifyInstance;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  app = fastify();
  answerErrors(app);
  requireApiKey(app, { sql: database.sql, requestsPerSecond: 0, apiKeys: [KEY, OTHER_KEY] });
  app.get("/closed", async () => ({ open: true }));
  app.get("/page", { config: { isForBrowsers: true } }, async () => ({ open: true }));
  app.get("/open", { config: { isPublic: true } }, async () => ({ open: true }));
});
afterAll(async () => {
  await app.close();
  await database[Symbol.asyncDispose]();
});

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

async function statusOf(headers: Record<string, string>, url = "/closed"): Promise<number> {
  return (await app.inject({ url, headers })).statusCode;
}

describe("a closed route", () => {
  it.each([
    { authorization: `Bearer ${KEY}` },
    { authorization: `Bearer ${OTHER_KEY}` },
    { authorization: `bearer   ${KEY} ` },
    { "x-api-key": KEY },
    { "x-api-key": OTHER_KEY },
    { authorization: "Basic dXNlcjpwYXNz", "x-api-key": KEY },
  ])("opens to %j", async (headers) => {
    expect(await statusOf(headers)).toBe(200);
  });

  it.each([
    {},
    { authorization: "" },
    { authorization: "Bearer" },
    { authorization: "Bearer " },
    { authorization: KEY },
    { authorization: `Basic ${KEY}` },
    { authorization: basic(`user:${KEY}`) },
    { authorization: `Bearer ${KEY} ${OTHER_KEY}` },
    { authorization: `Bearer ${KEY},${OTHER_KEY}` },
    { authorization: `Bearer ${KEY.toUpperCase()}` },
    { authorization: `Bearer ${KEY.slice(0, -1)}` },
    { authorization: `Bearer ${KEY}x` },
    { "x-api-key": "" },
    { "x-api-key": `${KEY},${OTHER_KEY}` },
    { cookie: `api_key=${KEY}` },
  ])("stays closed to %j", async (headers) => {
    const response = await app.inject({ url: "/closed", headers });
    expect(response.statusCode).toBe(401);
    expect(response.headers["www-authenticate"]).toMatch(/^Bearer /);
    expect(response.json()).toMatchObject({ status: "error", error: { code: "unauthorized" } });
  });

  it("says whether the key is missing or unknown, and never repeats it", async () => {
    const missing = await app.inject("/closed");
    const unknown = await app.inject({ url: "/closed", headers: { "x-api-key": "hunter2" } });
    expect(missing.json()).toMatchObject({
      error: { message: expect.stringContaining("Send an API key") as unknown },
    });
    expect(unknown.json()).toMatchObject({ error: { message: "This API key is not known." } });
    expect(unknown.body).not.toContain("hunter2");
  });

  it("does not take a key from the address", async () => {
    expect(await statusOf({}, `/closed?api_key=${KEY}&x-api-key=${KEY}`)).toBe(401);
  });

  it("opens to no key but the known ones", async () => {
    const printable = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(printable, async (key) => {
        const isKnown = key === KEY || key === OTHER_KEY;
        expect(await statusOf({ "x-api-key": key })).toBe(isKnown ? 200 : 401);
        expect(await statusOf({ authorization: `Bearer ${key}` })).toBe(isKnown ? 200 : 401);
      }),
    );
  });

  it("stays closed to every key when none is known", async () => {
    const lonely = fastify();
    answerErrors(lonely);
    requireApiKey(lonely, { sql: database.sql, requestsPerSecond: 0, apiKeys: [] });
    lonely.get("/closed", async () => ({}));
    const response = await lonely.inject({ url: "/closed", headers: { "x-api-key": KEY } });
    expect(response.statusCode).toBe(401);
    await lonely.close();
  });
});

describe("a page for browsers", () => {
  it.each([
    { authorization: basic(`user:${KEY}`) },
    { authorization: basic(`:${OTHER_KEY}`) },
    { authorization: basic(`us\u00e9r:${KEY}`).replace("Basic", "basic  ") },
    { authorization: `Bearer ${KEY}` },
    { "x-api-key": KEY },
    { authorization: basic("user:wrong"), "x-api-key": KEY },
  ])("opens to %j", async (headers) => {
    expect(await statusOf(headers, "/page")).toBe(200);
  });

  it.each([
    {},
    { authorization: "Basic" },
    { authorization: `Basic ${KEY}` },
    { authorization: basic(KEY) },
    { authorization: basic(`${KEY}:`) },
    { authorization: basic("user:") },
    { authorization: basic(`user:${KEY}:`) },
    { authorization: basic(`user:${KEY}`).replace("Basic ", "") },
    { authorization: basic(`user:${KEY}`), "x-api-key": "wrong" },
  ])("stays closed to %j, and asks for a password", async (headers) => {
    const response = await app.inject({ url: "/page", headers });
    expect(response.statusCode).toBe(401);
    expect(response.headers["www-authenticate"]).toEqual([
      'Bearer realm="webhook-delivery"',
      'Basic realm="webhook-delivery", charset="UTF-8"',
    ]);
  });
});

describe("a public route", () => {
  it.each([{}, { "x-api-key": "unknown" }, { authorization: `Bearer ${KEY}` }])(
    "answers whatever key comes: %j",
    async (headers) => {
      expect(await statusOf(headers, "/open")).toBe(200);
    },
  );
});

describe("a path that does not exist", () => {
  it("tells so only to those who have a key", async () => {
    expect(await statusOf({}, "/nothing")).toBe(401);
    expect(await statusOf({ "x-api-key": KEY }, "/nothing")).toBe(404);
  });
});
