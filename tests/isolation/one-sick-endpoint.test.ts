/** What one endpoint's illness means for itself and for the others, on both queue backends. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readDestination } from "@webhook-delivery/shared/testing/destinations.ts";
import {
  hang,
  startReceiver,
  type Answer,
  type Hook,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  bodyOf,
  newClient,
  readEndpoint,
  register,
} from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";

const payload = { greeting: "hello" };

/** Endpoints need no host of their own: each is a destination. */
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

/** A receiver that can be mended. */
function changeable(first: Answer): { readonly hook: Hook; answer: (next: Answer) => void } {
  let now = first;
  const hook = receiver.hook((response, request) => {
    if (typeof now === "function") now(response, request);
    else response.writeHead(typeof now === "number" ? now : now.status).end();
  });
  return { hook, answer: (next) => (now = next) };
}

async function deliverTo(
  { api }: TestService,
  endpointId: string,
  count: number,
): Promise<readonly string[]> {
  const deliveries = Array.from({ length: count }, () => ({ endpointId, payload }));
  const { results } = bodyOf<{ results: readonly { delivery: { id: string } }[] }>(
    await api.post("/webhook-delivery/batch", { deliveries }),
    202,
  );
  return results.map(({ delivery }) => delivery.id);
}

async function endpointFor({ api }: TestService, hook: Hook, also: object = {}): Promise<string> {
  return (await register(api, { url: hook.url, ...also })).endpoint.id;
}

async function untilState(service: TestService, endpointId: string, state: string): Promise<void> {
  await Promise.any(
    service.workers.map((worker) =>
      worker.waitForLine(
        (line) => line.event === `destination.${state}` && line["destination"] === endpointId,
      ),
    ),
  );
}

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  // One for all of them: that they do not disturb each other is what they are about.
  let service: TestService;
  beforeAll(async () => {
    service = await startService({ backend, workers: 2 });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  test.concurrent("endpoints that hang keep nobody waiting, whoever of them was first", async () => {
    const hanging = receiver.hook(hang);
    const endpoints = await Promise.all(
      Array.from({ length: 8 }, () => endpointFor(service, hanging)),
    );
    for (const endpointId of endpoints) await deliverTo(service, endpointId, 5);
    // More than there are slots, and each holds one for ten seconds.
    await hanging.waitFor(8);

    const healthy = receiver.hook();
    const endpointId = await endpointFor(service, healthy);
    const ids = await deliverTo(service, endpointId, 60);
    await healthy.waitFor(60);
    await Promise.all(ids.map((id) => service.finished(id)));
    // None of those that hang has ended yet, and the others are done.
    expect(await readEndpoint(service.api, endpoints[0] ?? "")).toMatchObject({
      failureCount: 0,
      circuit: { state: "closed", isSlow: true, lane: "side" },
    });
    expect(await readEndpoint(service.api, endpointId)).toMatchObject({
      circuit: { state: "closed", isSlow: false, lane: "main", heldBack: 0, reason: null },
    });
  });

  test.concurrent("one that was well and hangs now gives its slots back", async () => {
    const turning = changeable(200);
    const turningId = await endpointFor(service, turning.hook);
    const healthy = receiver.hook();
    const healthyId = await endpointFor(service, healthy);
    for (const endpointId of [turningId, healthyId]) {
      for (const id of await deliverTo(service, endpointId, 3)) await service.finished(id);
    }
    turning.answer(hang);
    await deliverTo(service, turningId, 30);
    await turning.hook.waitFor(3 + 5);
    const ids = await deliverTo(service, healthyId, 20);
    await Promise.all(ids.map((id) => service.finished(id)));
    expect(await readEndpoint(service.api, turningId)).toMatchObject({ failureCount: 0 });
    // Five for each worker.
    expect(turning.hook.arrivals.length).toBeLessThan(3 + 16);
  });

  test.concurrent("what a dead endpoint gets is held back without a cost, and comes when it is back", async () => {
    const dead = changeable(500);
    const endpointId = await endpointFor(service, dead.hook);
    const ids = await deliverTo(service, endpointId, 100);
    await untilState(service, endpointId, "open");

    const destination = await readDestination(service.api, endpointId);
    expect(destination).toMatchObject({
      state: "open",
      reason: "http_500",
      endpointId,
      ratePerSecond: null,
    });
    expect(destination.heldBack).toBeGreaterThan(50);
    expect(Date.parse(destination.nextProbeAt ?? "")).toBeGreaterThan(0);
    const metrics = (await service.api.get("/metrics")).text;
    expect(metrics).toMatch(/webhook_delivery_destinations\{state="open"\} [12]\n/);
    expect(metrics).toMatch(/webhook_delivery_held_back (?:[5-9]\d|1\d\d)\n/);

    dead.answer(200);
    await dead.hook.waitFor(ids.length);
    await Promise.all(ids.map((id) => service.finished(id)));
    const rows = await service.database.sql<{ id: string; status: string; attempt: number }[]>`
      select id, status, attempt from webhook_deliveries where endpoint_id = ${endpointId}`;
    expect(rows.map(({ status }) => status)).toEqual(ids.map(() => "success"));
    // The first ones opened it, and a probe costs nothing; nobody pressed anything.
    const tried = dead.hook.arrivals.length - ids.length;
    expect(rows.filter(({ attempt }) => attempt > 1).length).toBeLessThanOrEqual(tried);
    expect(rows.filter(({ attempt }) => attempt === 1).length).toBeGreaterThan(50);
    await untilState(service, endpointId, "closed");
    expect(await readEndpoint(service.api, endpointId)).toMatchObject({
      failureCount: 0,
      circuit: { state: "closed", heldBack: 0, reason: null, failuresInARow: 0 },
    });
  });

  test.concurrent("the backlog of one that is back comes in the order of acceptance", async () => {
    const dead = changeable(503);
    const endpointId = await endpointFor(service, dead.hook);
    const ids = await deliverTo(service, endpointId, 80);
    await untilState(service, endpointId, "open");
    // What was on its way when it opened still ends badly, or is put back.
    await vi.waitFor(async () => {
      const [row] = await service.database.sql<{ count: number }[]>`
        select count(*)::int as count from webhook_deliveries
        where endpoint_id = ${endpointId} and (status = 'sent'
          or exists (select from delivery_leases where delivery_id = webhook_deliveries.id))`;
      expect(row?.count).toBe(0);
    }, PATIENCE);
    const before = dead.hook.arrivals.length;
    dead.answer(200);
    await dead.hook.waitFor(before + ids.length);
    const order = dead.hook.arrivals
      .slice(before)
      .map(({ headers }) => ids.indexOf(String(headers["webhook-id"])));
    // Those in flight together may pass each other.
    const offBy = order.map((index, at) => Math.abs(index - at));
    expect(Math.max(...offBy), order.join(" ")).toBeLessThan(12);
  });

  test.concurrent("Retry-After holds the whole destination back, and no other", async () => {
    const busy = receiver.hook({ status: 429, headers: { "retry-after": "4" } }, 200);
    const endpointId = await endpointFor(service, busy);
    const [first = ""] = await deliverTo(service, endpointId, 1);
    await service.attempted(first, 1);
    const [second = ""] = await deliverTo(service, endpointId, 1);
    const other = receiver.hook();
    const [beside = ""] = await deliverTo(service, await endpointFor(service, other), 1);
    await service.finished(beside);
    expect(busy.arrivals).toHaveLength(1);
    expect((await readDestination(service.api, endpointId)).pausedUntil).not.toBeNull();
    await Promise.all([service.finished(first), service.finished(second)]);
    const [refusedAt = 0, ...laterAt] = busy.arrivals.map(({ atMs }) => atMs);
    for (const atMs of laterAt) expect(atMs - refusedAt).toBeGreaterThanOrEqual(3_990);
    expect(laterAt).toHaveLength(2);
  });

  test.concurrent("an endpoint's own limits hold over all workers", async () => {
    const rated = receiver.hook();
    let open = 0;
    let mostOpen = 0;
    const narrow = receiver.hook((response) => {
      mostOpen = Math.max(mostOpen, ++open);
      setTimeout(() => {
        open--;
        response.writeHead(200).end();
      }, 300);
    });
    const ids = [
      ...(await deliverTo(
        service,
        await endpointFor(service, rated, { rateLimitPerSecond: 8 }),
        30,
      )),
      ...(await deliverTo(service, await endpointFor(service, narrow, { maxInFlight: 3 }), 30)),
    ];
    await Promise.all(ids.map((id) => service.finished(id)));
    expect(mostOpen).toBeLessThanOrEqual(3);
    expect(mostOpen).toBeGreaterThan(1);
    const starts = await service.database.sql<{ atMs: number }[]>`
      select (extract(epoch from attempted_at) * 1000)::float8 as "atMs"
      from webhook_delivery_logs join webhook_endpoints on endpoint_id = webhook_endpoints.id
      where rate_limit_per_second is not null order by attempted_at`;
    const spans = starts.slice(8).map(({ atMs }, at) => atMs - (starts[at]?.atMs ?? 0));
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(1_000);
    expect(rated.arrivals).toHaveLength(30);
  });
});

test("a client sees how its own endpoints stand, and nothing of the others", async () => {
  await using service = await startService({ backend: "postgres" });
  const { api } = service;
  const [one, other] = [await newClient(api, "one"), await newClient(api, "other")];
  const hook = receiver.hook();
  const { endpoint } = await register(api, { url: hook.url }, one.as);
  expect(endpoint).toMatchObject({ circuit: null });
  const [id = ""] = await deliverTo(service, endpoint.id, 1);
  await service.finished(id);
  await service.finished((await api.deliver({ webhookUrl: hook.url, payload })).id);
  const url = hook.url.replace("http://", "");

  type Listed = { destinations: readonly { destination: string }[]; total: number };
  const listed = async (as?: object) => bodyOf<Listed>(await api.get("/destinations", as), 200);
  const everything = await listed();
  expect(everything.destinations.map(({ destination }) => destination).toSorted()).toEqual(
    [endpoint.id, url].toSorted(),
  );
  const own = await listed(one.as);
  expect(own).toMatchObject({ destinations: [{ destination: endpoint.id }], total: 1 });
  expect(await listed(other.as)).toMatchObject({ destinations: [], total: 0 });
  expect((await api.get(`/destinations/${endpoint.id}`, one.as)).status).toBe(200);
  for (const key of [endpoint.id, url, "nowhere.example"]) {
    const answer = await api.get(`/destinations/${encodeURIComponent(key)}`, other.as);
    expect(answer.status).toBe(404);
    expect(answer.body.error.code).toBe("not_found");
  }
  expect((await api.get(`/destinations?clientId=${one.id}`, other.as)).status).toBe(404);

  const page = bodyOf<Listed & { nextCursor: string }>(await api.get("/destinations?limit=1"), 200);
  const rest = await api.get(`/destinations?limit=1&cursor=${page.nextCursor}`);
  expect(bodyOf<Listed>(rest, 200).destinations).not.toEqual(page.destinations);
  expect((await api.get("/destinations?cursor=%25")).body.error.code).toBe("invalid_cursor");
  expect((await api.get("/destinations?state=ajar")).status).toBe(400);
});
