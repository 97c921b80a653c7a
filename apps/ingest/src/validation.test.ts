/** What a caller hears of a request that is not as it should be, on small routes of their own. */
import { fastify, type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerErrors } from "./errors.ts";
import { acceptJsonBodies } from "./json-body.ts";
import { refuseOtherMethods } from "./methods.ts";
import { requestIdOf, showRequestIds } from "./request-id.ts";
import { validateStrictly } from "./validation.ts";

let app: FastifyInstance;
const logged: Record<string, unknown>[] = [];

beforeAll(async () => {
  const stream = { write: (line: string) => void logged.push(JSON.parse(line) as never) };
  app = fastify({ logger: { level: "info", stream }, genReqId: requestIdOf });
  showRequestIds(app);
  validateStrictly(app);
  acceptJsonBodies(app);
  answerErrors(app);
  refuseOtherMethods(app, () => {
    app.addHook("onRequest", async ({ headers, routeOptions }, reply) => {
      if (routeOptions.config.isPublic === true || headers.authorization !== undefined) return;
      await reply.code(401).send({ status: "error" });
    });
  });
  await app.register(async (scope) => {
    scope.post("/things", { schema: { body: THING, querystring: PAGE } }, async () => OK);
    scope.get("/things", { schema: { querystring: PAGE } }, async () => OK);
    scope.get("/things/:id", async () => OK);
    scope.put("/things/:id", { schema: { body: THING } }, async () => OK);
    scope.post("/things/batch", async () => OK);
    scope.post("/things/:id/cancel", { schema: { params: {} } }, async () => OK);
    scope.get("/healthz", { config: { isPublic: true } }, async () => OK);
  });
});
afterAll(() => app.close());

const OK = { status: "success" };
const PAGE = {
  type: "object",
  properties: { limit: { type: "integer", maximum: 200 }, since: { format: "date-time" } },
};
const THING = {
  type: "object",
  required: ["webhookUrl"],
  properties: {
    webhookUrl: { type: "string" },
    webhookSecret: { anyOf: [{ type: "string", minLength: 1 }, { type: "null" }] },
    maxAttempts: { anyOf: [{ type: "integer", maximum: 10 }, { type: "null" }] },
    at: { type: "string", format: "date-time" },
    lead: {
      anyOf: [{ type: "object", properties: { email: { type: "string" } } }, { type: "null" }],
    },
    payload: {},
  },
};

type Method = "GET" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH";

async function call(method: Method, url: string, payload?: unknown, headers = {}) {
  const response = await app.inject({
    method,
    url,
    headers: { authorization: "Bearer KEY", ...headers },
    ...(payload !== undefined && { payload: payload as object }),
  });
  return { status: response.statusCode, headers: response.headers, json: response.json<Answer>() };
}

interface Answer {
  readonly error?: { readonly code: string; readonly details?: readonly Detail[] };
  readonly warnings?: readonly Detail[];
}
interface Detail {
  readonly field: string;
  readonly message: string;
}

const good = { webhookUrl: "https://example.com/" };

describe("an unknown field", () => {
  // "webhookSecert" was a 202, and the delivery went out unsigned.
  it("that resembles a known one is refused, with the one that may have been meant", async () => {
    const { status, json } = await call("POST", "/things", { ...good, webhookSecert: "x" });
    expect([status, json.error?.code, json.error?.details]).toEqual([
      400,
      "invalid_request",
      [{ field: "body.webhookSecert", message: "is not known here; did you mean webhookSecret?" }],
    ]);
  });

  it("that resembles none is named in the answer", async () => {
    const body = { ...good, note: 1, lead: { phone: 2 }, payload: { webhookSecert: 3 } };
    const { status, json } = await call("POST", "/things?trace=1", body);
    expect(status).toBe(200);
    expect(json.warnings?.map(({ field }) => field)).toEqual([
      "body.note",
      "body.lead.phone",
      "querystring.trace",
    ]);
    expect((await call("POST", "/things", good)).json).toEqual(OK);
  });

  it("is named where no field is known at all", async () => {
    const { json } = await call("POST", "/things/1/cancel", { reason: "none" });
    expect(json.warnings?.map(({ field }) => field)).toEqual(["body.reason"]);
  });

  it("of a query is judged like one of a body", async () => {
    const { status, json } = await call("GET", "/things?limits=5");
    expect([status, json.error?.details?.[0]?.field]).toEqual([400, "querystring.limits"]);
  });
});

it("names all faulty fields of a request at once, whichever part they are in", async () => {
  const body = { webhookSecert: "x", maxAttempts: 11, at: "yesterday", lead: { email: 5 } };
  const { status, json } = await call("POST", "/things?limit=201&since=today", body);
  expect(status).toBe(400);
  expect(json.error?.details?.map(({ field }) => field)).toEqual([
    "querystring.limit",
    "querystring.since",
    "body.webhookUrl",
    "body.maxAttempts",
    "body.at",
    "body.lead.email",
    "body.webhookSecert",
  ]);
});

describe("a known path with another method", () => {
  it.each([
    ["DELETE", "/things", "GET, HEAD, POST"],
    ["OPTIONS", "/things", "GET, HEAD, POST"],
    ["PATCH", "/things/5", "GET, HEAD, PUT"],
    ["DELETE", "/things/5?x=1", "GET, HEAD, PUT"],
    ["GET", "/things/batch", "POST"],
    ["GET", "/things/5/cancel", "POST"],
    ["PUT", "/things/", "GET, HEAD, POST"],
  ] as const)("is 405: %s %s", async (method, url, allowed) => {
    const { status, headers, json } = await call(method, url);
    expect([status, headers.allow, json.error?.code]).toEqual([405, allowed, "method_not_allowed"]);
  });

  it("asks for the key where the path does, and not where it does not", async () => {
    expect((await app.inject({ method: "DELETE", url: "/things" })).statusCode).toBe(401);
    expect((await app.inject({ method: "POST", url: "/healthz" })).statusCode).toBe(405);
  });

  it("is not what an unknown path has", async () => {
    expect((await call("GET", "/nothing")).status).toBe(404);
  });
});

describe("a request id", () => {
  it.each([
    ["GET", "/things"],
    ["GET", "/nothing"],
    ["DELETE", "/things"],
    ["GET", "/things?limit=x"],
  ] as const)("is in the answer to %s %s and in the log", async (method, url) => {
    logged.length = 0;
    const { status, headers } = await call(method, url, undefined, { "x-request-id": "abc-1.2" });
    expect(headers["x-request-id"]).toBe("abc-1.2");
    expect(logged).toContainEqual(
      expect.objectContaining({ reqId: "abc-1.2", event: "request.answered", status }),
    );
  });

  it.each(["", "two words", "a\u00e9", "x".repeat(129), '"quoted"', "-dash"])(
    "of a caller is not taken over when it is %j",
    async (given) => {
      const { headers } = await call("GET", "/things", undefined, { "x-request-id": given });
      expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});
