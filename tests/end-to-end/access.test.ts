/** Who may call, under which paths, and how often the same request counts. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import {
  API_KEY,
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const SOME_ID = "00000000-0000-7000-8000-000000000000";
const ROUTES = [
  ["POST", "/webhook-delivery"],
  ["GET", "/webhook-delivery"],
  ["GET", "/webhook-delivery/stats"],
  ["GET", "/webhook-delivery/{id}"],
  ["GET", "/webhook-delivery/{id}/logs"],
  ["POST", "/webhook-delivery/{id}/retry"],
  ["POST", "/webhook-delivery/{id}/cancel"],
  ["POST", "/webhook-delivery/batch"],
  ["POST", "/webhook-delivery/replay"],
  ["DELETE", "/webhook-delivery/logs"],
  ["GET", "/replays"],
  ["GET", "/replays/{id}"],
  ["POST", "/replays/{id}/cancel"],
  ["POST", "/endpoints"],
  ["GET", "/endpoints"],
  ["PUT", "/endpoints/by-source/{source}"],
  ["GET", "/endpoints/{id}"],
  ["PATCH", "/endpoints/{id}"],
  ["DELETE", "/endpoints/{id}"],
  ["POST", "/endpoints/{id}/test"],
  ["POST", "/endpoints/{id}/rotate-secret"],
  ["POST", "/endpoints/{id}/enable"],
  ["POST", "/endpoints/{id}/disable"],
  ["GET", "/endpoints/{id}/stats"],
  ["GET", "/endpoints/{id}/deliveries"],
  ["POST", "/webhook/test"],
  ["POST", "/events"],
  ["POST", "/formats/{format}/preview"],
  ["GET", "/events/{id}"],
  ["GET", "/event-types"],
  ["GET", "/destinations"],
  ["GET", "/destinations/{destination}"],
  ["POST", "/clients"],
  ["GET", "/clients"],
  ["GET", "/clients/{id}"],
  ["PATCH", "/clients/{id}"],
  ["POST", "/clients/{id}/keys"],
  ["DELETE", "/clients/{id}/keys/{keyId}"],
  ["PUT", "/leads/{id}"],
  ["GET", "/leads/{id}"],
  ["GET", "/openapi.json"],
  ["GET", "/metrics"],
  ["POST", "/webhooks/outbox-trigger"],
  ["POST", "/cron/outbox-worker"],
] as const;
const PUBLIC_ROUTES = ["/healthz", "/readyz"];

interface OpenApi {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<
    string,
    Record<string, { responses: Record<string, unknown>; security?: unknown[] }>
  >;
  components: { securitySchemes: Record<string, { type: string }> };
}

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    const secrets = { OUTBOX_SECRET: "secret-of-the-trigger", CRON_SECRET: "secret-of-the-cron" };
    const env = { API_KEYS: `first-key, ${API_KEY}`, ...secrets };
    [service, receiver] = await Promise.all([startService({ backend, env }), startReceiver()]);
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  async function callBare(method: string, path: string, headers: Record<string, string> = {}) {
    const response = await fetch(service.api.url + path.replaceAll(/\{\w+\}/g, SOME_ID), {
      method,
      headers,
    });
    return { status: response.status, body: (await response.json()) as { error?: object } };
  }

  test.concurrent.each(ROUTES)("%s %s is closed without a key", async (method, path) => {
    for (const prefix of ["", "/api"]) {
      for (const headers of [{}, { authorization: "Bearer wrong" }, { "x-api-key": "wrong" }]) {
        expect(await callBare(method, prefix + path, headers)).toMatchObject({
          status: 401,
          body: { status: "error", error: { code: "unauthorized", message: expect.any(String) } },
        });
      }
    }
  });

  test.concurrent.each([
    ["Authorization: Bearer", { authorization: `Bearer ${API_KEY}` }],
    ["another of the keys", { authorization: "bearer first-key" }],
    ["X-API-Key", { "x-api-key": API_KEY }],
  ])("%s opens", async (_how, headers) => {
    expect((await callBare("GET", "/webhook-delivery", headers)).status).toBe(200);
    expect((await callBare("GET", "/api/webhook-delivery", headers)).status).toBe(200);
  });

  test.concurrent.each(PUBLIC_ROUTES)("%s answers without a key", async (path) => {
    expect(await callBare("GET", path)).toMatchObject({ status: 200 });
    expect(await callBare("GET", `/api${path}`)).toMatchObject({ status: 200 });
  });

  test.concurrent("what is nowhere is a JSON 404, with a key and without", async () => {
    const headers = { "x-api-key": API_KEY };
    expect(await callBare("GET", "/nowhere", headers)).toMatchObject({
      status: 404,
      body: { status: "error", error: { code: "not_found" } },
    });
    expect((await callBare("GET", "/nowhere")).body.error).toBeDefined();
  });

  test.concurrent("openapi.json is 3.1 and lists every route with its answers", async () => {
    const { status, text } = await service.api.get("/openapi.json");
    expect(status).toBe(200);
    const document = JSON.parse(text) as OpenApi;
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    expect(Object.keys(document.components.securitySchemes).length).toBeGreaterThan(0);
    const routes = [...ROUTES, ...PUBLIC_ROUTES.map((path) => ["GET", path] as const)];
    for (const [method, path] of routes) {
      const operation = document.paths[path]?.[method.toLowerCase()];
      expect(operation, `${method} ${path}`).toBeDefined();
      expect(Object.keys(operation?.responses ?? {}), `${method} ${path}`).not.toEqual([]);
    }
    const listed = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.toSorted()).toEqual(routes.map((route) => route.join(" ")).toSorted());
    expect(findBadReference(document)).toBeUndefined();
  });

  /** The first `$ref` that points nowhere. */
  function findBadReference(document: object): string | undefined {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)];
    return references
      .map(([, reference = ""]) => reference)
      .find((reference) => {
        const steps = reference.replace("#/", "").split("/");
        let at: unknown = document;
        for (const step of steps) at = (at as Record<string, unknown> | undefined)?.[step];
        return at === undefined;
      });
  }

  describe("an Idempotency-Key", () => {
    function post(key: string, body: unknown) {
      const headers = { "idempotency-key": key };
      return service.api.post("/webhook-delivery", body, { headers });
    }

    async function countRows(key: string): Promise<unknown> {
      const [row] = await service.database.sql`
        select count(*)::int as count from webhook_deliveries where idempotency_key = ${key}`;
      return row?.["count"];
    }

    test.concurrent("gives the first delivery again for the same request", async () => {
      const hook = receiver.hook();
      const first = await post("again", deliveryTo(hook));
      const second = await post("again", deliveryTo(hook));
      expect([first.status, second.status]).toEqual([202, 200]);
      expect(first.headers.get("idempotency-replayed")).toBeNull();
      expect(second.headers.get("idempotency-replayed")).toBe("true");
      expect(second.body.delivery.id).toBe(first.body.delivery.id);
      await service.finished(first.body.delivery.id);
      const third = await post("again", deliveryTo(hook));
      expect(third.body.delivery.status).toBe("success");
      expect(hook.arrivals).toHaveLength(1);
      expect(await countRows("again")).toBe(1);
    });

    test.concurrent("refuses another request", async () => {
      const hook = receiver.hook();
      await post("other", deliveryTo(hook));
      const conflict = await post("other", deliveryTo(hook, { eventType: "other.event" }));
      expect([conflict.status, conflict.body.error.code]).toEqual([409, "idempotency_conflict"]);
      expect(await countRows("other")).toBe(1);
    });

    test.concurrent("makes one delivery of 20 requests at once", async () => {
      const hook = receiver.hook();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => post("parallel", deliveryTo(hook))),
      );
      const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses).toEqual([...Array.from({ length: 19 }, () => 200), 202]);
      const ids = new Set(answers.map(({ body }) => body.delivery.id));
      expect(ids.size).toBe(1);
      await service.finished([...ids][0] ?? "");
      expect(hook.arrivals).toHaveLength(1);
      expect(await countRows("parallel")).toBe(1);
    });

    test.concurrent("that came with a refused request is still free", async () => {
      const hook = receiver.hook();
      expect((await post("free", { webhookUrl: "ftp://example.com" })).status).toBe(400);
      expect((await post("free", deliveryTo(hook))).status).toBe(202);
    });

    test.concurrent.each([
      ["empty", ""],
      ["too long", "x".repeat(256)],
      ["not ASCII", "schl\u00fcssel"],
    ])("that is %s is refused", async (_what, key) => {
      const answer = await post(key, deliveryTo(receiver.hook()));
      expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_idempotency_key"]);
    });
  });
});
