/**
 * A client and everything it has, and a stranger with a key of its own who walks every route of the
 * OpenAPI document with the client's ids. A route that is not in the table below fails the test: somebody
 * has to say what a stranger may see there.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, newClient, publish, register } from "@webhook-delivery/shared/testing/registry.ts";
import type { ApiAnswer, RequestOptions } from "@webhook-delivery/shared/testing/api.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import { operationsOf, type OpenApiDocument } from "./openapi-document.ts";

/** In everything that the client has. */
const MARK = "belongs-to-the-client";
const LEAD = "lead-of-the-client";
const SOURCE = "+15550001111";
const SINCE = "2020-01-01T00:00:00.000Z";

let service: TestService;
let receiver: Receiver;
let stranger: RequestOptions;
let owner: RequestOptions;
let ids: Record<"client" | "key" | "endpoint" | "delivery" | "event" | "replay", string>;

beforeAll(async () => {
  [service, receiver] = await Promise.all([startService({ backend: "postgres" }), startReceiver()]);
  const { api } = service;
  const [client, other] = [await newClient(api, `one ${MARK}`), await newClient(api, "other")];
  owner = client.as;
  stranger = other.as;
  const hook = receiver.hook();
  const url = `${hook.url}/${MARK}`;
  const settings = { url, name: MARK, metadata: { mark: MARK }, sources: [SOURCE] };
  const { endpoint } = await register(api, settings, owner);
  await api.send("PUT", `/endpoints/by-source/${encodeURIComponent(SOURCE)}`, { url }, owner);
  await api.send("PUT", `/leads/${LEAD}`, { email: `${MARK}@example.com` }, owner);
  const request = { endpointId: endpoint.id, leadId: LEAD, metadata: { mark: MARK } };
  const { delivery } = bodyOf<{ delivery: { id: string } }>(
    await api.post("/webhook-delivery", request, owner),
    202,
  );
  await service.finished(delivery.id);
  const event = { type: "lead.captured", data: { mark: MARK }, source: SOURCE };
  const { eventId } = await publish(api, event, owner);
  const { replayId } = bodyOf<{ replayId: string }>(
    await api.post("/webhook-delivery/replay", { since: SINCE }, owner),
    202,
  );
  const { client: shown } = bodyOf<{ client: { keys: readonly { id: string }[] } }>(
    await api.get(`/clients/${client.id}`),
    200,
  );
  ids = {
    client: client.id,
    key: shown.keys[0]?.id ?? "",
    endpoint: endpoint.id,
    delivery: delivery.id,
    event: eventId,
    replay: replayId,
  };
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** What a stranger meets: `none`: 404. `own`: an answer, with nothing of the client's in it. */
type Meets = "none" | "own" | "operators only" | "everybody";
interface Known {
  readonly meets: Meets;
  /** Each names something of the client's. */
  readonly bodies?: readonly object[];
  /** For the parameters of the path, in their order. */
  readonly path?: readonly string[];
}

function knownRoutes(): Readonly<Record<string, Known>> {
  const { client, key, endpoint, delivery, event, replay } = ids;
  const payload = { text: "hello" };
  const toEndpoint = { endpointId: endpoint, payload };
  const ofDelivery = { meets: "none", path: [delivery] } as const;
  const ofEndpoint = { meets: "none", path: [endpoint] } as const;
  const forOperators = { meets: "operators only", path: [client, key] } as const;
  const own = { meets: "own" } as const;
  const everybody = { meets: "everybody" } as const;
  return {
    "POST /webhook-delivery": {
      meets: "none",
      bodies: [toEndpoint, { webhookUrl: "https://example.com/", leadId: LEAD }],
    },
    "GET /webhook-delivery": own,
    "GET /webhook-delivery/stats": own,
    "GET /webhook-delivery/{id}": ofDelivery,
    "GET /webhook-delivery/{id}/logs": ofDelivery,
    "POST /webhook-delivery/{id}/retry": ofDelivery,
    "POST /webhook-delivery/{id}/cancel": ofDelivery,
    "POST /webhook-delivery/batch": { ...own, bodies: [{ deliveries: [toEndpoint, toEndpoint] }] },
    "POST /webhook-delivery/replay": {
      meets: "none",
      bodies: [
        { since: SINCE, endpointId: endpoint },
        { since: SINCE, clientId: client },
      ],
    },
    "DELETE /webhook-delivery/logs": {
      meets: "none",
      bodies: [
        { days: 0, endpointId: endpoint },
        { days: 0, clientId: client },
      ],
    },
    "GET /replays": own,
    "GET /replays/{id}": { meets: "none", path: [replay] },
    "POST /replays/{id}/cancel": { meets: "none", path: [replay] },
    "POST /endpoints": {
      meets: "none",
      bodies: [{ url: "https://example.com/", clientId: client }],
    },
    "GET /endpoints": own,
    "PUT /endpoints/by-source/{source}": {
      meets: "none",
      path: [SOURCE],
      bodies: [{ url: "https://example.com/", clientId: client }],
    },
    "GET /endpoints/{id}": ofEndpoint,
    "PATCH /endpoints/{id}": { ...ofEndpoint, bodies: [{ url: "https://example.com/stolen" }] },
    "DELETE /endpoints/{id}": ofEndpoint,
    "POST /endpoints/{id}/test": ofEndpoint,
    "POST /endpoints/{id}/rotate-secret": ofEndpoint,
    "POST /endpoints/{id}/enable": ofEndpoint,
    "POST /endpoints/{id}/disable": ofEndpoint,
    "GET /endpoints/{id}/stats": ofEndpoint,
    "GET /endpoints/{id}/deliveries": ofEndpoint,
    "GET /destinations": own,
    "GET /destinations/{destination}": { meets: "none", path: [endpoint] },
    "POST /webhook/test": { ...own, bodies: [{ url: receiver.hook().url }] },
    "POST /events": {
      meets: "none",
      bodies: [{ type: "lead.captured", data: {}, clientId: client, source: SOURCE }],
    },
    "GET /events/{id}": { meets: "none", path: [event] },
    "GET /event-types": everybody,
    "POST /formats/{format}/preview": {
      ...everybody,
      path: ["raw"],
      bodies: [{ payload: { a: 1 } }],
    },
    "POST /clients": { ...forOperators, bodies: [{ name: "more" }] },
    "GET /clients": forOperators,
    "GET /clients/{id}": forOperators,
    "PATCH /clients/{id}": { ...forOperators, bodies: [{ name: "stolen" }] },
    "POST /clients/{id}/keys": forOperators,
    "DELETE /clients/{id}/keys/{keyId}": forOperators,
    // Lead ids are each client's own: the stranger's one of that name is another lead.
    "PUT /leads/{id}": { ...own, path: [LEAD], bodies: [{ email: "other@example.com" }] },
    "GET /leads/{id}": { meets: "none", path: ["another-lead"] },
    // Not there without secrets of their own, and closed to any API key with them.
    "POST /webhooks/outbox-trigger": { meets: "none" },
    "POST /cron/outbox-worker": { meets: "none" },
    "GET /metrics": forOperators,
    "GET /openapi.json": everybody,
    "GET /docs": everybody,
    "GET /healthz": everybody,
    "GET /readyz": everybody,
  };
}

/** Whatever a list can be filtered by, with what is the client's. */
function filters(): Readonly<Record<string, string>> {
  return {
    clientId: ids.client,
    endpointId: ids.endpoint,
    deliveryId: ids.delivery,
    leadId: LEAD,
    source: SOURCE,
    eventType: "lead.captured",
    q: MARK,
  };
}

function expectNothingOf(answer: ApiAnswer, what: string): void {
  for (const text of [MARK, ...Object.values(ids)]) expect(answer.text, what).not.toContain(text);
}

const STATUS: Readonly<Record<Meets, readonly number[]>> = {
  none: [404],
  own: [200, 201, 202],
  "operators only": [403],
  everybody: [200],
};

async function everythingOfTheClient(): Promise<readonly string[]> {
  const paths = [
    "/endpoints",
    "/webhook-delivery",
    `/webhook-delivery/${ids.delivery}`,
    "/webhook-delivery/stats",
    "/replays",
    `/events/${ids.event}`,
    `/leads/${LEAD}`,
  ];
  const answers = await Promise.all(paths.map((path) => service.api.get(path, owner)));
  return answers.map(({ text }) => text);
}

test("a stranger finds nothing and changes nothing on any route of the document", async () => {
  const { api } = service;
  // What is still under way would change by itself.
  await expect
    .poll(async () => (await api.get(`/replays/${ids.replay}`, owner)).text)
    .toContain('"state":"completed"');
  await expect
    .poll(async () => (await api.get("/webhook-delivery/stats", owner)).text)
    .toContain('"undelivered":{"count":0');
  const before = await everythingOfTheClient();
  for (const text of [MARK, ids.endpoint, ids.delivery]) expect(before.join()).toContain(text);

  const document = JSON.parse((await api.get("/openapi.json")).text) as OpenApiDocument;
  const known = knownRoutes();
  const unknown: string[] = [];
  for (const { name, method, path, operation } of operationsOf(document)) {
    const route = known[name];
    if (route === undefined) {
      unknown.push(name);
      continue;
    }
    const values = [...(route.path ?? [])];
    const url = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(values.shift() ?? "missing"));
    for (const body of route.bodies ?? [undefined]) {
      const answer = await api.send(method, url, body, stranger);
      const what = `${name} ${JSON.stringify(body)}: ${answer.status} ${answer.text.slice(0, 300)}`;
      expect(STATUS[route.meets], what).toContain(answer.status);
      expectNothingOf(answer, what);
      if (name === "POST /webhook-delivery/batch") {
        expect(answer.text.match(/endpoint_not_found/g)).toHaveLength(2);
      }
    }
    if (method !== "GET" || route.meets === "operators only") continue;
    for (const { name: parameter } of operation.parameters ?? []) {
      const value = filters()[parameter];
      if (value === undefined) continue;
      const answer = await api.get(
        `${url}?${new URLSearchParams({ [parameter]: value }).toString()}`,
        stranger,
      );
      const what = `${name} by ${parameter}: ${answer.status} ${answer.text.slice(0, 300)}`;
      expect([200, 404], what).toContain(answer.status);
      expectNothingOf(answer, what);
    }
  }
  expect(unknown).toEqual([]);
  expect(await everythingOfTheClient()).toEqual(before);
});
