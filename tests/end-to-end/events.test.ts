/** Events: who gets them, all or none, once per eventId, and what becomes of those who cannot. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import {
  deliveriesOf,
  newClient,
  publish,
  readEndpoint,
  register,
  type PublishedEvent,
} from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

let service: TestService;
let receiver: Receiver;

beforeAll(async () => {
  const env = {
    RETRY_SCHEDULE_SECONDS: "0.1",
    RATE_LIMIT_PER_SECOND: "0",
    WORKER_CONCURRENCY: "20",
  };
  [service, receiver] = await Promise.all([
    startService({ backend: "redis", env }),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** A client of its own, so that no other test's endpoints subscribe. */
async function startClient(name: string) {
  const client = await newClient(service.api, name);
  const subscribe = async (also: object = {}, ...answers: readonly number[]) => {
    const hook = receiver.hook(...answers);
    const { endpoint } = await register(service.api, { url: hook.url, ...also }, client.as);
    return { hook, id: endpoint.id };
  };
  return {
    ...client,
    subscribe,
    publish: (event: object) => publish(service.api, event, client.as),
  };
}

describe("an event", () => {
  test("goes to the endpoints that subscribe to its type, and to no others", async () => {
    const client = await startClient("types");
    const matching = await Promise.all([
      client.subscribe(),
      client.subscribe({ eventTypes: [] }),
      client.subscribe({ eventTypes: ["*"] }),
      client.subscribe({ eventTypes: ["message.received"] }),
      client.subscribe({ eventTypes: ["message.*"] }),
      client.subscribe({ eventTypes: ["lead.captured", "message.received", "message.*"] }),
    ]);
    const others = await Promise.all([
      client.subscribe({ eventTypes: ["message"] }),
      client.subscribe({ eventTypes: ["message.receive"] }),
      client.subscribe({ eventTypes: ["message.received.*"] }),
      client.subscribe({ eventTypes: ["lead.*"] }),
      (await startClient("somebody else")).subscribe(),
    ]);
    const data = { text: "hello", number: 1.5 };
    const { deliveries, matched, eventId } = await client.publish({
      type: "message.received",
      data,
      timestamp: "2026-11-20T10:00:00.000Z",
    });
    expect([deliveries.length, matched]).toEqual([matching.length, matching.length]);
    for (const { hook } of matching) {
      const [arrival] = await hook.waitFor(1);
      expect(JSON.parse(arrival?.body ?? "")).toEqual({
        type: "message.received",
        timestamp: "2026-11-20T10:00:00.000Z",
        data,
      });
      expect(arrival?.headers["x-webhook-event"]).toBe("message.received");
    }
    const arrived = matching.flatMap(({ hook }) => hook.arrivedIds()).toSorted();
    expect(arrived).toEqual(deliveries.toSorted());
    expect(others.flatMap(({ hook }) => hook.arrivals)).toEqual([]);
    const read = await service.api.get(`/events/${eventId}`, client.as);
    expect(read.body).toMatchObject({
      event: { eventId, type: "message.received", data, deliveryCount: matching.length },
    });
  });

  test("of a source goes to the endpoints of that source and to those of all", async () => {
    const client = await startClient("sources");
    const [one, both, all] = await Promise.all([
      client.subscribe({ sources: ["+1555001"] }),
      client.subscribe({ sources: ["+1555001", "+1555002"] }),
      client.subscribe({}),
    ]);
    const targets = async (event: object) => {
      const { deliveries } = await client.publish({ type: "t", data: {}, ...event });
      const read = await Promise.all(deliveries.map((id) => service.api.read(id)));
      return new Set(read.map((delivery) => delivery["endpointId" as keyof typeof delivery]));
    };
    expect(await targets({ source: "+1555001" })).toEqual(new Set([one.id, both.id, all.id]));
    expect(await targets({ source: "+1555002" })).toEqual(new Set([both.id, all.id]));
    expect(await targets({ source: "+1555003" })).toEqual(new Set([all.id]));
    expect(await targets({})).toEqual(new Set([all.id]));
  });

  test("that matches nothing is stored and says so", async () => {
    const client = await startClient("nobody");
    const published = await client.publish({ type: "nobody.listens", data: [1] });
    expect(published).toMatchObject({ deliveries: [], disabled: [], matched: 0 });
    const read = await service.api.get(`/events/${published.eventId}`, client.as);
    expect(read.body).toMatchObject({ event: { data: [1], deliveries: [], deliveryCount: 0 } });
  });

  test("leaves a row at a disabled endpoint that would have got it", async () => {
    const client = await startClient("disabled");
    const off = await client.subscribe({ enabled: false });
    const on = await client.subscribe();
    const { deliveries, disabled, matched } = await client.publish({ type: "t", data: {} });
    expect([deliveries.length, disabled.length, matched]).toEqual([1, 1, 2]);
    await on.hook.waitFor(1);
    expect(await deliveriesOf(service.api, off.id)).toMatchObject([
      { id: disabled[0], status: "failed", errorType: "endpoint_disabled", attempt: 0 },
    ]);
    expect(off.hook.arrivals).toEqual([]);
  });

  test("is published once, however often and however concurrently it is said", async () => {
    const client = await startClient("once");
    const { hook } = await client.subscribe();
    const event = { type: "t", data: { a: 1 }, eventId: "event-1" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => service.api.post("/events", event, client.as)),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(9);
    const ids = answers.map(({ body }) => (body as unknown as PublishedEvent).deliveries[0]);
    expect(new Set(ids).size).toBe(1);
    const again = await service.api.post(
      "/events",
      { ...event, timestamp: new Date().toISOString() },
      client.as,
    );
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    const other = await service.api.post("/events", { ...event, data: { a: 2 } }, client.as);
    expect([other.status, other.body.error.code]).toEqual([409, "idempotency_conflict"]);
    // The header means the same where the body has no eventId.
    const headers = { ...client.as.headers, "idempotency-key": "event-1" };
    const byHeader = await service.api.post("/events", { type: "t", data: { a: 1 } }, { headers });
    expect([byHeader.status, (byHeader.body as unknown as PublishedEvent).eventId]).toEqual([
      200,
      "event-1",
    ]);
    const elsewhere = await startClient("has the same id");
    expect((await elsewhere.publish(event)).eventId).toBe("event-1");
    await service.finished(ids[0] ?? "");
    expect(hook.arrivals).toHaveLength(1);
  });

  test("of another client is not there", async () => {
    const [mine, theirs] = await Promise.all([startClient("mine"), startClient("theirs")]);
    const { eventId } = await mine.publish({ type: "t", data: {} });
    const answer = await service.api.get(`/events/${eventId}`, theirs.as);
    expect([answer.status, answer.body.error.code]).toEqual([404, "not_found"]);
    const named = { type: "t", data: {}, clientId: mine.id };
    const forged = await service.api.post("/events", named, theirs.as);
    expect([forged.status, forged.body.error.code]).toEqual([404, "client_not_found"]);
    expect((await publish(service.api, named)).matched).toBe(0);
  });

  test.each([
    [{ data: {} }],
    [{ type: "t" }],
    [{ type: "", data: {} }],
    [{ type: "with space", data: {} }],
    [{ type: "t", data: {}, timestamp: "yesterday" }],
    [{ type: "t", data: {}, eventId: "x".repeat(256) }],
    [{ type: 7, data: {} }],
  ])("is refused as %j", async (event) => {
    const answer = await service.api.post("/events", event);
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_request"]);
  });

  test("whose data no column can hold is refused and not stored", async () => {
    const client = await startClient("unstorable");
    const event = '{"type":"t","data":1e400000,"eventId":"unstorable"}';
    const answer = await service.api.post("/events", event, client.as);
    expect(answer.status).toBe(400);
    expect((await service.api.get("/events/unstorable", client.as)).status).toBe(404);
  });

  test("reaches 10,000 endpoints, in one transaction, each once", async () => {
    const client = await startClient("many");
    const hook = receiver.hook();
    const { sql } = service.database;
    const first = await register(service.api, { url: hook.url }, client.as);
    await sql`
      with made as (
        insert into webhook_endpoints (id, client_id, url, secrets_encrypted, enabled)
        select gen_random_uuid(), client_id, url, secrets_encrypted, true
        from webhook_endpoints, generate_series(1, 9999) where id = ${first.endpoint.id}
        returning id
      ) insert into webhook_endpoint_health (endpoint_id) select id from made`;
    const { deliveries } = await client.publish({ type: "big.news", data: { x: 1 } });
    expect(new Set(deliveries).size).toBe(10_000);
    const [counted] = await sql`
      select count(*)::int as rows, count(distinct endpoint_id)::int as endpoints,
        count(distinct body)::int as bodies
      from webhook_deliveries where id = any(${deliveries as string[]}::uuid[])`;
    expect(counted).toEqual({ rows: 10_000, endpoints: 10_000, bodies: 1 });
    // The others cannot open the secret that was copied to them, which would go on for ever.
    await service.api.post(`/endpoints/${first.endpoint.id}/disable`);
    await sql`delete from webhook_endpoints where client_id = ${client.id}`;
  });
});

describe("the service's own events", () => {
  test("tell the operator of an endpoint that is gone, and of its recovery", async () => {
    const client = await startClient("gone");
    const operator = receiver.hook();
    await register(service.api, {
      url: operator.url,
      eventTypes: ["endpoint.disabled", "endpoint.recovered"],
    });
    const { id, hook } = await client.subscribe({ name: "the gone one" }, 410, 200);
    await client.publish({ type: "t", data: {} });
    const [told] = await operator.waitFor(1);
    expect(JSON.parse(told?.body ?? "")).toMatchObject({
      type: "endpoint.disabled",
      data: { endpointId: id, clientId: client.id, reason: "gone", name: "the gone one" },
    });
    expect(await readEndpoint(service.api, id)).toMatchObject({
      status: "disabled",
      disabledReason: "gone",
      enabled: false,
    });
    const { disabled } = await client.publish({ type: "t", data: {} });
    expect(disabled).toHaveLength(1);

    const enabled = await service.api.post(`/endpoints/${id}/enable`, undefined, client.as);
    expect(enabled.body).toMatchObject({ missed: { deliveries: 2 } });
    await client.publish({ type: "t", data: {} });
    const arrivals = await operator.waitFor(2);
    expect(JSON.parse(arrivals[1]?.body ?? "")).toMatchObject({
      type: "endpoint.recovered",
      data: { endpointId: id },
    });
    expect(hook.arrivals).toHaveLength(2);
    await client.publish({ type: "t", data: {} });
    await hook.waitFor(3);
    expect(operator.arrivals).toHaveLength(2);
  });

  test("tell of an endpoint that failed for five days and twenty times", async () => {
    const client = await startClient("failing");
    const operator = receiver.hook();
    await register(service.api, { url: operator.url, eventTypes: ["endpoint.disabled"] });
    const { id } = await client.subscribe({ maxAttempts: 1 }, 500);
    const failOnce = async () => {
      const { deliveries } = await client.publish({ type: "t", data: {} });
      await service.finished(deliveries[0] ?? "");
    };
    const { sql } = service.database;
    await failOnce();
    await sql`
      update webhook_endpoint_health
      set failure_count = 18, failing_since = now() - interval '5 days' where endpoint_id = ${id}`;
    await failOnce();
    expect(await readEndpoint(service.api, id)).toMatchObject({ enabled: true, failureCount: 19 });
    await failOnce();
    await operator.waitFor(1);
    expect(JSON.parse(operator.arrivals[0]?.body ?? "")).toMatchObject({
      data: { endpointId: id, reason: "failing", failureCount: 20 },
    });
    expect(await readEndpoint(service.api, id)).toMatchObject({ disabledReason: "failing" });
  });

  test("are quiet about an endpoint that failed often, but not for five days", async () => {
    const client = await startClient("often");
    const { id } = await client.subscribe({ maxAttempts: 1 }, 500);
    const { deliveries } = await client.publish({ type: "t", data: {} });
    await service.finished(deliveries[0] ?? "");
    await service.database.sql`
      update webhook_endpoint_health
      set failure_count = 500, failing_since = now() - interval '4 days 23 hours'
      where endpoint_id = ${id}`;
    const second = await client.publish({ type: "t", data: {} });
    await service.finished(second.deliveries[0] ?? "");
    expect(await readEndpoint(service.api, id)).toMatchObject({ enabled: true, failureCount: 501 });
  });
});
