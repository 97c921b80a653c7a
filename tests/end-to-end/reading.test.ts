/** Listing, paging, counting: what callers can ask about deliveries. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeliveryJson } from "@webhook-delivery/shared/testing/api.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

const ROWS = 120;
const env = { RETRY_SCHEDULE_SECONDS: "0.1", RATE_LIMIT_PER_SECOND: "0" };

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    [service, receiver] = await Promise.all([startService({ backend, env }), startReceiver()]);
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  async function list(query: Record<string, string>) {
    const answer = await service.api.get(
      `/webhook-delivery?${new URLSearchParams(query).toString()}`,
    );
    expect(answer.status).toBe(200);
    return answer.body;
  }

  function idsOf(deliveries: readonly DeliveryJson[]): string[] {
    return deliveries.map(({ id }) => id);
  }

  async function deliverMany(count: number, also: Record<string, unknown>): Promise<string[]> {
    const hook = receiver.hook();
    const made = Array.from({ length: count }, () => service.api.deliver(deliveryTo(hook, also)));
    return idsOf(await Promise.all(made));
  }

  // From the outbox, before it had a limit: the answer was a 500.
  test.concurrent("what nests too deep to be written as JSON is shown as text", async () => {
    const { sql } = service.database;
    const deep = "[".repeat(6_000) + "]".repeat(6_000);
    const { id } = await service.api.deliver(deliveryTo(receiver.hook()));
    await service.finished(id);
    await sql`update webhook_deliveries set payload = ${deep}::text::jsonb where id = ${id}`;
    const delivery = await service.api.get(`/webhook-delivery/${id}`);
    expect(delivery).toMatchObject({ status: 200, body: { delivery: { payload: deep } } });
    const event = { type: "deep", eventId: "deep", data: {} };
    expect((await service.api.post("/events", event)).status).toBe(202);
    await sql`update webhook_events set data = ${deep}::text::jsonb where event_id = 'deep'`;
    const published = await service.api.get("/events/deep");
    expect(published).toMatchObject({ status: 200, body: { event: { data: deep } } });
  });

  test.concurrent("pages of 120 rows leave none out and give none twice while new rows arrive", async () => {
    const eventType = "paged.event";
    const before = await deliverMany(ROWS, { eventType });
    const seen: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = { eventType, limit: "50" };
      if (cursor !== null) query["cursor"] = cursor;
      const page = await list(query);
      expect(page.total).toBe(ROWS + 3 * sizes.length);
      seen.push(...idsOf(page.deliveries));
      sizes.push(page.deliveries.length);
      cursor = page.nextCursor;
      await deliverMany(3, { eventType });
    } while (cursor !== null);
    expect(sizes).toEqual([50, 50, 20]);
    expect(seen.toSorted()).toEqual(before.toSorted());
    expect(seen).toEqual(seen.toSorted().toReversed());
  });

  test.concurrent("a page that just fits is the last one", async () => {
    const eventType = "fitting.event";
    await deliverMany(4, { eventType });
    expect((await list({ eventType, limit: "4" })).nextCursor).toBeNull();
    expect((await list({ eventType, limit: "3" })).nextCursor).not.toBeNull();
  });

  test.concurrent("the newest come first and 50 unless asked otherwise", async () => {
    await deliverMany(51, { eventType: "many.event" });
    const { deliveries, total } = await list({ eventType: "many.event" });
    expect(deliveries).toHaveLength(50);
    expect(total).toBe(51);
    const createdAt = deliveries.map((delivery) => delivery.createdAt);
    expect(createdAt).toEqual(createdAt.toSorted().toReversed());
  });

  test.concurrent("every filter finds its deliveries and no others", async () => {
    const eventType = "filtered.event";
    const [good, bad] = [receiver.hook(200), receiver.hook(404)];
    const lead = { email: "f@example.com" };
    const success = await service.api.deliver(
      deliveryTo(good, { eventType, leadId: "lead-f", lead }),
    );
    await service.finished(success.id);
    const failed = await service.api.deliver(deliveryTo(bad, { eventType }));
    await service.finished(failed.id);
    const find = async (query: Record<string, string>) => {
      const { deliveries, total } = await list({ eventType, ...query });
      expect(total).toBe(deliveries.length);
      return idsOf(deliveries);
    };
    expect(await find({})).toEqual([failed.id, success.id]);
    expect(await find({ deliveryId: failed.id })).toEqual([failed.id]);
    expect(await find({ leadId: "lead-f" })).toEqual([success.id]);
    expect(await find({ leadId: "lead" })).toEqual([]);
    expect(await find({ deliveryStatus: "success" })).toEqual([success.id]);
    expect(await find({ status: "failed" })).toEqual([failed.id]);
    expect(await find({ since: failed.createdAt })).toEqual([failed.id]);
    expect(await find({ until: failed.createdAt })).toEqual([success.id]);
    expect(await find({ since: success.createdAt, until: failed.createdAt })).toEqual([success.id]);
    expect(await find({ q: "lead-" })).toEqual([success.id]);
    expect(await find({ q: "%" })).toEqual([]);
    expect(await find({ q: failed.id })).toEqual([failed.id]);
    expect(await find({ q: bad.url })).toContain(failed.id);
    expect(await find({ endpointId: failed.id })).toEqual([]);
    expect(await find({ clientId: failed.id })).toEqual([]);
    expect(idsOf((await list({ eventType: "filtered" })).deliveries)).toEqual([]);
  });

  test.concurrent.each([
    ["cursor=nonsense", "invalid_cursor"],
    [`cursor=${Buffer.from("not-a-uuid").toString("base64url")}`, "invalid_cursor"],
    ["limit=0", "invalid_request"],
    ["limit=201", "invalid_request"],
    ["limit=ten", "invalid_request"],
    ["status=lost", "invalid_request"],
    ["since=yesterday", "invalid_request"],
    ["deliveryId=7", "invalid_request"],
    ["leadId=%00", "invalid_text"],
    ["q=%00", "invalid_text"],
    ["eventType=%00", "invalid_text"],
    ["eventType=a&eventType=b", "invalid_request"],
  ])("a list with %s is refused with %s", async (query, code) => {
    const answer = await service.api.get(`/webhook-delivery?${query}`);
    expect(answer.status).toBe(400);
    expect(["invalid_request", code]).toContain(answer.body.error.code);
  });

  test.concurrent("what does not exist is 404, for the delivery and for its logs", async () => {
    for (const id of ["00000000-0000-7000-8000-000000000000", "not-a-uuid", "%00"]) {
      for (const path of [`/webhook-delivery/${id}`, `/webhook-delivery/${id}/logs`]) {
        expect((await service.api.get(path)).status).toBe(404);
      }
    }
  });

  test.concurrent("a delivery shows its payload, metadata and a masked URL", async () => {
    const hook = receiver.hook();
    const { id } = await service.api.deliver(
      deliveryTo({ url: `${hook.url}?token=abc` }, { payload: [1, "ü"], metadata: { order: 7 } }),
    );
    await service.finished(id);
    expect(hook.arrivals[0]?.url).toMatch(/\?token=abc$/);
    const delivery = await service.api.read(id);
    expect(delivery).toMatchObject({ payload: [1, "ü"], metadata: { order: 7 }, format: "raw" });
    expect(delivery.webhookUrl).toBe(`${hook.url}?***`);
  });
});

describe.each(BACKENDS)("the statistics with the queue in %s", (backend) => {
  test("count what was delivered, what failed and what waits", async () => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend, env });
    const [good, late, bad] = [receiver.hook(), receiver.hook(500, 200), receiver.hook(404)];
    const deliveries = await Promise.all(
      [good, good, late, bad].map((hook) => service.api.deliver(deliveryTo(hook))),
    );
    await Promise.all(deliveries.map(({ id }) => service.finished(id)));
    const waiting = receiver.hook({ status: 503, headers: { "retry-after": "600" } });
    const { id } = await service.api.deliver(deliveryTo(waiting, { eventType: "waiting.event" }));
    await service.attempted(id, 1);

    const { status, text } = await service.api.get("/webhook-delivery/stats?days=1");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      status: "success",
      queue: { waiting: 0, active: 0, delayed: 1, paused: 0 },
      deliveries: { pending: 1, sent: 0, success: 3, failed: 1, cancelled: 0 },
      successRate: 0.75,
      averageRetries: 0.25,
      failed: 1,
      undelivered: { count: 1, oldestAgeMs: expect.any(Number) },
      topEvents: expect.arrayContaining([
        { eventType: "lead.captured", total: 4, success: 3, failed: 1 },
      ]),
    });
    const { latencyMs, jobsPerSecond } = JSON.parse(text) as {
      latencyMs: { p50: number; p95: number; p99: number };
      jobsPerSecond: number;
    };
    expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p95);
    expect(latencyMs.p95).toBeLessThanOrEqual(latencyMs.p99);
    expect(jobsPerSecond).toBeGreaterThan(0);
  });
});
