import { fastify, type FastifyInstance, type FastifyBaseLogger } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DomainError, ERROR_STATUS, type ErrorCode } from "@webhook-delivery/shared/core/errors.ts";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { boundAnswers } from "./deadline.ts";
import { answerError, answerErrors } from "./errors.ts";
import { acceptJsonBodies } from "./json-body.ts";
import { validateStrictly } from "./validation.ts";

const ANSWER_TIMEOUT_MS = 50;
let app: FastifyInstance;
/** What the next request to `/throw` throws. */
let thrown: unknown;
/** Warnings and worse. */
const logged: { readonly level: string; readonly fields: Record<string, unknown> }[] = [];

beforeAll(() => {
  app = fastify({
    loggerInstance: collectingLog(),
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  });
  validateStrictly(app);
  acceptJsonBodies(app);
  answerErrors(app);
  boundAnswers(app, ANSWER_TIMEOUT_MS);
  app.get("/throw", async () => {
    throw thrown;
  });
  app.get("/hang", () => new Promise(() => {}));
  app.post("/hang", () => new Promise(() => {}));
  app.get("/items/:id", async () => ({}));
  app.post("/leads", { schema: { body: LEAD_BODY, querystring: PAGE } }, async () => ({}));
});
afterAll(() => app.close());

const LEAD_BODY = {
  type: "object",
  required: ["lead"],
  properties: {
    lead: {
      type: "object",
      required: ["email"],
      properties: {
        email: { type: "string" },
        tags: { items: { type: "string" } },
        source: { enum: ["form", "import"] },
      },
    },
  },
};
const PAGE = { type: "object", properties: { limit: { type: "integer", maximum: 200 } } };

function collectingLog(): FastifyBaseLogger {
  const at = (level: string) => (fields: Record<string, unknown>) => logged.push({ level, fields });
  const log = {
    level: "info",
    ...Object.fromEntries(["fatal", "error", "warn"].map((name) => [name, at(name)])),
    ...Object.fromEntries(["info", "debug", "trace", "silent"].map((name) => [name, () => {}])),
    child: () => log,
  };
  return log as unknown as FastifyBaseLogger;
}

async function answerTo(error: unknown) {
  thrown = error;
  logged.length = 0;
  return app.inject("/throw");
}

describe("a mistake of the caller's", () => {
  it.each(Object.entries(ERROR_STATUS))("%s is answered with %i", async (code, status) => {
    const response = await answerTo(
      new DomainError(code as ErrorCode, "Not like that.", [{ field: "body.x", message: "no" }]),
    );
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({
      status: "error",
      error: { code, message: "Not like that.", details: [{ field: "body.x", message: "no" }] },
    });
    expect(logged).toEqual([]);
  });

  it("is answered without details when there are none", async () => {
    const response = await answerTo(new DomainError("not_found", "Gone."));
    expect(response.json()).toEqual({
      status: "error",
      error: { code: "not_found", message: "Gone." },
    });
  });

  it.each([
    [{ lead: { email: 5 } }, "body.lead.email"],
    [{ lead: {} }, "body.lead.email"],
    [{}, "body.lead"],
    [{ lead: { email: "a", tags: ["x", 5] } }, "body.lead.tags.1"],
    [[], "body"],
  ])("names the field that does not fit the schema: %j", async (payload, field) => {
    const response = await app.inject({ method: "POST", url: "/leads", payload });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      error: { code: "invalid_request", details: [{ field }] },
    });
  });

  it("names the values that there are where one of them was asked for", async () => {
    const payload = { lead: { email: "a", source: "elsewhere" } };
    const response = await app.inject({ method: "POST", url: "/leads", payload });
    expect(response.json()).toMatchObject({
      error: { details: [{ field: "body.lead.source", message: "must be one of: form, import" }] },
    });
  });

  it("says what to send where the content type is missing or another", async () => {
    // What curl says of a body of which it was told nothing.
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const response = await app.inject({ method: "POST", url: "/leads", headers, payload: "{}" });
    expect(response.statusCode).toBe(415);
    expect(response.json()).toMatchObject({
      error: {
        code: "unsupported_media_type",
        message: expect.stringContaining("send content-type: application/json") as unknown,
      },
    });
  });

  it("names the part of the query string that does not fit", async () => {
    const url = "/leads?limit=201";
    const response = await app.inject({ method: "POST", url, payload: { lead: { email: "a" } } });
    expect(response.json()).toMatchObject({
      error: { code: "invalid_request", details: [{ field: "querystring.limit" }] },
    });
  });

  it("is answered with 400 when a body is required and none came", async () => {
    const response = await app.inject({
      method: "POST",
      url: "/leads",
      headers: { "content-type": "application/json" },
    });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: "invalid_request" } });
  });

  it.each(["/nothing", "/throw/more", "/%", "/items/%ff", `/items/${"x".repeat(500)}`])(
    "finds nothing at %s",
    async (url) => {
      const response = await app.inject(url);
      expect(response.statusCode).toBe(404);
      expect(response.json()).toMatchObject({ status: "error", error: { code: "not_found" } });
    },
  );
});

describe("a fault of ours", () => {
  it.each([
    new Error("connect to 10.0.0.7 with hunter2"),
    Object.assign(new Error("hunter2"), {
      code: "23505",
      detail: "hunter2",
      parameters: ["hunter2"],
    }),
    Object.assign(new Error("hunter2"), { statusCode: 500 }),
    Object.assign(new Error("hunter2"), { statusCode: 502 }),
    new TypeError("hunter2 is undefined", { cause: new Error("hunter2") }),
    "hunter2",
    { message: "hunter2" },
  ])("is answered with a 500 that hides it, and logged (%#)", async (error) => {
    const response = await answerTo(error);
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain("hunter2");
    expect(JSON.stringify(response.headers)).not.toContain("hunter2");
    expect(response.json()).toEqual({
      status: "error",
      error: { code: "internal_error", message: "Something went wrong on our side." },
    });
    expect(logged).toEqual([{ level: "error", fields: { event: "request.failed", err: error } }]);
  });
});

describe("a database that is away", () => {
  const UNAVAILABLE = {
    status: "error",
    error: {
      code: "unavailable",
      message: "The service cannot take requests right now; try again.",
    },
  };

  it.each([
    "CONNECTION_CLOSED",
    "CONNECT_TIMEOUT",
    "ECONNREFUSED",
    "ECONNRESET",
    "08006",
    "53300",
    "57P01",
    "57P03",
    "25006",
    "58030",
    // Incident: a statement that PostgreSQL cut off was told as our own fault, with no time to come back.
    "57014",
    "40001",
    "40P01",
    "55P03",
    "25P03",
  ])("is told as 503 with a time to come back (%s)", async (code) => {
    const response = await answerTo(Object.assign(new Error("hunter2"), { code }));
    expect(response.statusCode).toBe(503);
    expect(response.headers["retry-after"]).toBe("2");
    expect(response.json()).toEqual(UNAVAILABLE);
    expect(logged.map(({ level }) => level)).toEqual(["warn"]);
  });

  it("is told so when a real connection is refused", async () => {
    // Port 1 of loopback: nobody listens there.
    const sql = connectDatabase({
      url: "postgres://nobody@127.0.0.1:1/none",
      applicationName: "tests",
    });
    const error: unknown = await sql`select 1`.catch((reason: unknown) => reason);
    await sql.end();
    expect((await answerTo(error)).statusCode).toBe(503);
  });

  it.each(["GET", "POST"] as const)(
    "is told so when a %s is not answered in time",
    async (method) => {
      const response = await app.inject({
        method,
        url: "/hang",
        ...(method === "POST" && { payload: [1] }),
      });
      expect(response.statusCode).toBe(503);
      expect(response.headers["retry-after"]).toBe("2");
      expect(response.json()).toEqual(UNAVAILABLE);
    },
  );

  it.each(["42P01", "42703", "40002", "23514", "22012"])(
    "is not what PostgreSQL's %s means",
    async (code) => {
      expect((await answerTo(Object.assign(new Error("no"), { code }))).statusCode).toBe(500);
    },
  );
});
