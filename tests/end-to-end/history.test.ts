/** Statistics per client and endpoint, and removing what is finished: own rows only. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApi, type Api, type ApiAnswer } from "@webhook-delivery/shared/testing/api.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

const NO_ID = "00000000-0000-7000-8000-000000000000";

interface StatsBody {
  readonly days: number;
  readonly since: string;
  readonly deliveries: Readonly<Record<string, number>>;
  readonly undelivered: { readonly count: number };
  readonly topEvents: readonly { readonly eventType: string; readonly total: number }[];
  readonly jobsPerSecond: number;
}

let service: TestService;
let receiver: Receiver;

beforeAll(async () => {
  const env = { RETRY_SCHEDULE_SECONDS: "60", RATE_LIMIT_PER_SECOND: "0" };
  [service, receiver] = await Promise.all([
    startService({ backend: "postgres", env }),
    startReceiver(),
  ]);
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

interface Tenant {
  readonly id: string;
  readonly api: Api;
  readonly endpointId: string;
}

async function makeTenant(): Promise<Tenant> {
  const made = await service.api.post("/clients", { name: "Tenant" });
  const { client, apiKey } = JSON.parse(made.text) as { client: { id: string }; apiKey: string };
  const api = createApi(service.api.url, apiKey, () => {});
  const registered = await api.post("/endpoints", { url: receiver.hook(200).url });
  const { endpoint } = JSON.parse(registered.text) as { endpoint: { id: string } };
  return { id: client.id, api, endpointId: endpoint.id };
}

/** One to its endpoint, one to any URL, and one that waits for its retry. */
async function deliverThree({ api, endpointId }: Tenant): Promise<string[]> {
  const toEndpoint = await api.deliver({ endpointId, payload: {}, eventType: "own.event" });
  const toUrl = await api.deliver(deliveryTo(receiver.hook(200)));
  const waiting = await api.deliver(deliveryTo(receiver.hook(500)));
  await Promise.all([service.finished(toEndpoint.id), service.finished(toUrl.id)]);
  await service.attempted(waiting.id, 1);
  return [toEndpoint.id, toUrl.id, waiting.id];
}

async function statsOf(api: Api, query = ""): Promise<StatsBody> {
  const answer = await api.get(`/webhook-delivery/stats${query}`);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as StatsBody;
}

const remove = async (api: Api, body?: unknown, query = "") =>
  api.send("DELETE", `/webhook-delivery/logs${query}`, body);

function removal({ status, text }: ApiAnswer) {
  expect(status).toBe(200);
  const { deleted, hasMore } = JSON.parse(text) as { deleted: number; hasMore: boolean };
  return { deleted, hasMore };
}

async function idsOf(api: Api): Promise<string[]> {
  const { body } = await api.get("/webhook-delivery");
  return body.deliveries.map(({ id }) => id).toSorted();
}

test("a client's statistics are its own, an endpoint's the endpoint's", async () => {
  const [one, other] = await Promise.all([makeTenant(), makeTenant()]);
  await deliverThree(one);
  const own = await statsOf(one.api);
  expect(own.deliveries).toMatchObject({ total: 3, success: 2, pending: 1 });
  expect(own.undelivered.count).toBe(1);
  expect(own.jobsPerSecond).toBeCloseTo(3 / 60);
  expect((await statsOf(other.api)).deliveries["total"]).toBe(0);
  expect((await statsOf(service.api, `?clientId=${one.id}`)).deliveries).toEqual(own.deliveries);
  for (const api of [one.api, service.api]) {
    const stats = await statsOf(api, `?days=1&endpointId=${one.endpointId}`);
    expect(stats.deliveries).toMatchObject({ total: 1, success: 1 });
    expect(stats.topEvents).toMatchObject([{ eventType: "own.event", total: 1 }]);
    expect(stats.days).toBe(1);
    expect(stats.since).toMatch(/:00:00\.000Z$/);
  }
});

test("what is not there and what is another client's cannot be told apart", async () => {
  const [one, other] = await Promise.all([makeTenant(), makeTenant()]);
  const before = await deliverThree(other);
  const pairs = [
    [`endpointId=${other.endpointId}`, `endpointId=${NO_ID}`],
    [`clientId=${other.id}`, `clientId=${NO_ID}`],
  ] as const;
  for (const [foreign, unknown] of pairs) {
    const asked = await one.api.get(`/webhook-delivery/stats?${foreign}`);
    expect(asked.status).toBe(404);
    expect((await one.api.get(`/webhook-delivery/stats?${unknown}`)).text).toBe(asked.text);
    expect((await service.api.get(`/webhook-delivery/stats?${unknown}`)).text).toBe(asked.text);
    const removed = await remove(one.api, undefined, `?days=0&${foreign}`);
    expect([removed.status, removed.text]).toEqual([404, asked.text]);
  }
  const mixed = await remove(service.api, {
    clientId: one.id,
    endpointId: other.endpointId,
    days: 0,
  });
  expect(mixed.status).toBe(404);
  expect(removal(await remove(one.api, { days: 0 }))).toEqual({ deleted: 0, hasMore: false });
  expect(await idsOf(other.api)).toEqual(before.toSorted());
});

test("finished deliveries are removed with their attempts, by body or by query; others stay", async () => {
  const tenant = await makeTenant();
  const { api, endpointId } = tenant;
  const [toEndpoint = "", toUrl = "", waiting = ""] = await deliverThree(tenant);
  expect(removal(await remove(api))).toEqual({ deleted: 0, hasMore: false });
  expect(removal(await remove(api, { days: 1 }, "?days=0"))).toMatchObject({ deleted: 0 });
  expect(removal(await remove(api, { endpointId, days: 0 }))).toMatchObject({ deleted: 1 });
  expect(await idsOf(api)).toEqual([toUrl, waiting].toSorted());
  expect((await api.get(`/webhook-delivery/${toEndpoint}`)).status).toBe(404);
  expect((await statsOf(api, `?endpointId=${endpointId}`)).deliveries["total"]).toBe(0);
  expect(removal(await remove(api, {}, "?days=0"))).toEqual({ deleted: 1, hasMore: false });
  expect(await idsOf(api)).toEqual([waiting]);
  expect((await statsOf(api)).deliveries).toMatchObject({ total: 1, pending: 1, success: 0 });
});

test.each([
  [{ days: -1 }, ""],
  [{ days: 0.5 }, ""],
  [{ days: "all" }, ""],
  [{ endpointId: "mine" }, ""],
  [[], ""],
  [undefined, "?days=x"],
  [{ days: 0, endpoint_id: NO_ID }, ""],
  [undefined, `?days=0&endpoint=${NO_ID}`],
])("a removal of %j%s is refused and removes nothing", async (body, query) => {
  const tenant = await makeTenant();
  const before = await deliverThree(tenant);
  const { status, body: answer } = await remove(tenant.api, body, query);
  expect([status, answer.error.code]).toEqual([400, "invalid_request"]);
  expect(await idsOf(tenant.api)).toEqual(before.toSorted());
});

test("a repeated Idempotency-Key finds its delivery after everything was removed", async () => {
  const { api } = await makeTenant();
  const request = deliveryTo(receiver.hook(200));
  const headers = { "idempotency-key": "kept" };
  const first = await api.post("/webhook-delivery", request, { headers });
  await service.finished(first.body.delivery.id);
  expect(removal(await remove(api, { days: 0 }))).toMatchObject({ deleted: 0 });
  const again = await api.post("/webhook-delivery", request, { headers });
  expect([again.status, again.body.delivery.id]).toEqual([200, first.body.delivery.id]);
});
