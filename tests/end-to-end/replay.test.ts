/** Replays: past deliveries made again in the background, each once, at their rate, until cancelled. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { DeliveryJson, RequestOptions } from "@webhook-delivery/shared/testing/api.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import {
  startReceiver,
  type Hook,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, newClient, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";

interface ReplayJson {
  readonly id: string;
  readonly state: "running" | "completed" | "cancelled";
  readonly matched: number | null;
  readonly replayed: number;
  readonly skipped: number;
  readonly clientId: string | null;
  readonly until: string;
  readonly finishedAt: string | null;
}

const LONG_AGO = "2020-01-01T00:00:00.000Z";
/** The database's clock is that of the wall, and corrected; the arrivals' only goes on. */
const CLOCKS_DIFFER_MS = 50;
const env = { RATE_LIMIT_PER_SECOND: "0", WORKER_CONCURRENCY: "20", RETRY_SCHEDULE_SECONDS: "0.2" };

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

  async function start(wanted: object, as?: RequestOptions): Promise<ReplayJson> {
    const answer = await service.api.post("/webhook-delivery/replay", wanted, as);
    const { replayId, replay } = bodyOf<{ replayId: string; replay: ReplayJson }>(answer, 202);
    expect(replay).toMatchObject({ id: replayId, replayed: 0, skipped: 0 });
    return replay;
  }

  async function read(id: string): Promise<ReplayJson> {
    return bodyOf<{ replay: ReplayJson }>(await service.api.get(`/replays/${id}`), 200).replay;
  }

  async function untilState(id: string, state: ReplayJson["state"]): Promise<ReplayJson> {
    return vi.waitFor(async () => {
      const replay = await read(id);
      expect(replay.state).toBe(state);
      return replay;
    }, PATIENCE);
  }

  /** An endpoint that missed `count` deliveries while it was disabled, and is enabled again. */
  async function missed(hook: Hook, count: number, also: object = {}) {
    const registered = await register(service.api, { url: hook.url, enabled: false, ...also });
    const { id } = registered.endpoint;
    for (let left = count; left > 0; left -= 1_000) {
      const deliveries = Array.from({ length: Math.min(left, 1_000) }, (_, n) => ({
        endpointId: id,
        payload: n,
      }));
      const answer = await service.api.post("/webhook-delivery/batch", { deliveries });
      const { results } = bodyOf<{ results: { delivery: DeliveryJson }[] }>(answer, 202);
      expect(results[0]?.delivery).toMatchObject({
        status: "failed",
        errorType: "endpoint_disabled",
      });
    }
    bodyOf(await service.api.post(`/endpoints/${id}/enable`), 200);
    return id;
  }

  test("each of two thousand is made again once, whatever worker dies meanwhile", async () => {
    const hook = receiver.hook();
    const endpointId = await missed(hook, 2_000);
    const { id } = await start({ since: LONG_AGO, endpointId, ratePerSecond: 400 });
    await hook.waitFor(300);
    await service.workers[0]?.kill();
    const { replayed } = await read(id);
    expect(replayed).toBeLessThan(2_000);
    await service.startWorker();
    expect(await untilState(id, "completed")).toMatchObject({
      matched: 2_000,
      replayed: 2_000,
      skipped: 0,
    });
    const { sql } = service.database;
    await vi.waitFor(async () => {
      const open = await sql`
        select from webhook_deliveries where endpoint_id = ${endpointId} and status <> 'success'`;
      expect(open).toHaveLength(0);
    }, PATIENCE);
    // Only what was in flight when the worker died may have come twice, and the log says so.
    const [{ interrupted, rounds }] = await sql<[{ interrupted: number; rounds: number }]>`
      select
        (select count(*)::int from webhook_delivery_logs
         where endpoint_id = ${endpointId} and error_type = 'interrupted') as interrupted,
        count(*) filter (where attempt = 1 and attempts_before_round = 0)::int as rounds
      from webhook_deliveries where endpoint_id = ${endpointId}`;
    expect(rounds).toBe(2_000);
    expect(new Set(hook.arrivedIds()).size).toBe(2_000);
    expect(hook.arrivals.length).toBeLessThanOrEqual(2_000 + interrupted);
  });

  test.concurrent("a replay keeps its rate", async () => {
    const hook = receiver.hook();
    const endpointId = await missed(hook, 60);
    const askedAtMs = performance.timeOrigin + performance.now();
    const { id } = await start({ since: LONG_AGO, endpointId, ratePerSecond: 12 });
    const arrivals = await hook.waitFor(60);
    // Counted from the asking: between two arrivals a slow machine makes the time shorter as well as
    // longer, but nothing may come before its turn, and a step takes three each 250 ms.
    const sinceAskedMs = arrivals.map(({ atMs }) => atMs - askedAtMs).toSorted((a, b) => a - b);
    const early = sinceAskedMs.filter((ms, n) => ms < Math.floor(n / 3) * 250 - CLOCKS_DIFFER_MS);
    expect(early).toEqual([]);
    // Half the rate would take ten seconds.
    expect(sinceAskedMs.at(-1)).toBeLessThan(10_000);
    expect(await untilState(id, "completed")).toMatchObject({ matched: 60, replayed: 60 });
  });

  test.concurrent("a cancelled replay starts nothing more", async () => {
    const hook = receiver.hook();
    const endpointId = await missed(hook, 100);
    const { id } = await start({ since: LONG_AGO, endpointId, ratePerSecond: 4 });
    await hook.waitFor(2);
    const { replay } = bodyOf<{ replay: ReplayJson }>(
      await service.api.post(`/replays/${id}/cancel`),
      200,
    );
    expect(replay).toMatchObject({ state: "cancelled", matched: 100 });
    expect(replay.finishedAt).not.toBeNull();
    await hook.waitFor(replay.replayed);
    // Another replay's whole life later there is nothing more.
    const control = receiver.hook();
    const other = await start({
      since: LONG_AGO,
      endpointId: await missed(control, 8),
      ratePerSecond: 4,
    });
    await untilState(other.id, "completed");
    await control.waitFor(8);
    expect(hook.arrivals).toHaveLength(replay.replayed);
    expect(await read(id)).toEqual(replay);
    const again = await service.api.post(`/replays/${id}/cancel`);
    expect([again.status, again.body.error.code]).toEqual([409, "not_cancellable"]);
  });

  test.concurrent("what failed at its receiver is made again with the same id", async () => {
    const hook = receiver.hook(500, 500, 200);
    const since = new Date().toISOString();
    const made = await service.api.deliver(
      deliveryTo(hook, { maxAttempts: 2, eventType: "replay.one" }),
    );
    await service.finished(made.id);
    const { id } = await start({ since, eventType: "replay.one" });
    expect(await untilState(id, "completed")).toMatchObject({ matched: 1, replayed: 1 });
    await hook.waitFor(3);
    expect(new Set(hook.arrivedIds())).toEqual(new Set([made.id]));
  });

  test.concurrent("only what its filters match is made again", async () => {
    const hook = receiver.hook();
    const { endpoint } = await register(service.api, { url: hook.url, format: "raw" });
    const deliver = (eventType: string, payload: number) =>
      service.api.deliver({ endpointId: endpoint.id, eventType, payload });
    const made = [await deliver("a.one", 1), await deliver("a.two", 2), await deliver("a.one", 3)];
    await Promise.all(made.map(({ id }) => service.finished(id)));
    const filter = { endpointId: endpoint.id, eventType: "a.one", deliveryStatus: "success" };
    const until = made[2]?.createdAt;
    const [none, one] = await Promise.all([
      start({ since: LONG_AGO, endpointId: endpoint.id }),
      start({ since: LONG_AGO, until, ...filter }),
    ]);
    expect(one.until).toBe(until);
    expect(await untilState(none.id, "completed")).toMatchObject({ matched: 0, replayed: 0 });
    expect(await untilState(one.id, "completed")).toMatchObject({ matched: 1, replayed: 1 });
    const arrivals = await hook.waitFor(4);
    expect(arrivals[3]?.body).toBe("1");
    await service.attempted(made[0]?.id ?? "", 2);
    const rest = await start({ since: LONG_AGO, ...filter });
    expect(await untilState(rest.id, "completed")).toMatchObject({ matched: 2, replayed: 2 });
    await hook.waitFor(6);
  });

  test.concurrent("what a disabled or deleted endpoint missed is passed over", async () => {
    const [off, gone] = [receiver.hook(), receiver.hook()];
    const [offId, goneId] = [await missed(off, 3), await missed(gone, 3)];
    const slow = { since: LONG_AGO, ratePerSecond: 1 };
    bodyOf(await service.api.post(`/endpoints/${offId}/disable`), 200);
    const first = await start({ ...slow, endpointId: offId });
    expect(await untilState(first.id, "completed")).toMatchObject({
      matched: 3,
      replayed: 0,
      skipped: 3,
    });
    const second = await start({ ...slow, endpointId: goneId });
    await gone.waitFor(1);
    bodyOf(await service.api.send("DELETE", `/endpoints/${goneId}`), 200);
    const { replayed, skipped } = await untilState(second.id, "completed");
    expect(replayed + skipped).toBe(3);
    expect(skipped).toBeGreaterThan(0);
    expect(off.arrivals).toHaveLength(0);
  });

  test.concurrent("an ordered endpoint gets what it missed in the order of acceptance", async () => {
    const hook = receiver.hook(200, 500, 200);
    const endpointId = await missed(hook, 30, { ordered: true, format: "raw" });
    await start({ since: LONG_AGO, endpointId, ratePerSecond: 1_000 });
    const arrivals = await hook.waitFor(31);
    const { sql } = service.database;
    const rows = await sql<{ id: string }[]>`
      select id from webhook_deliveries where endpoint_id = ${endpointId} order by id`;
    const ids = rows.map(({ id }) => id);
    expect(arrivals.map(({ headers }) => headers["webhook-id"])).toEqual(
      ids.toSpliced(1, 0, ids[1] ?? ""),
    );
  });

  test.concurrent("a client replays its own and sees no other's", async () => {
    const [ours, theirs] = [receiver.hook(500, 200), receiver.hook(500, 200)];
    const [us, them] = await Promise.all([
      newClient(service.api, "Us"),
      newClient(service.api, "Them"),
    ]);
    const also = { maxAttempts: 1, eventType: "of.clients" };
    const made = [
      await service.api.deliver(deliveryTo(ours, also), us.as),
      await service.api.deliver(deliveryTo(theirs, also), them.as),
    ];
    await Promise.all(made.map(({ id }) => service.finished(id)));
    const wanted = { since: LONG_AGO, eventType: "of.clients" };
    const replay = await start({ ...wanted, clientId: us.id }, us.as);
    expect(replay.clientId).toBe(us.id);
    expect(await untilState(replay.id, "completed")).toMatchObject({ matched: 1, replayed: 1 });
    await ours.waitFor(2);
    expect(theirs.arrivals).toHaveLength(1);

    const { endpoint } = await register(service.api, { url: ours.url }, us.as);
    const refusals = await Promise.all([
      service.api.get(`/replays/${replay.id}`, them.as),
      service.api.post(`/replays/${replay.id}/cancel`, undefined, them.as),
      service.api.post("/webhook-delivery/replay", { ...wanted, clientId: us.id }, them.as),
      service.api.post("/webhook-delivery/replay", { ...wanted, endpointId: endpoint.id }, them.as),
    ]);
    expect(refusals.map(({ status, body }) => [status, body.error.code])).toEqual([
      [404, "not_found"],
      [404, "not_found"],
      [404, "client_not_found"],
      [404, "endpoint_not_found"],
    ]);
    const listed = bodyOf<{ replays: ReplayJson[]; total: number }>(
      await service.api.get("/replays", us.as),
      200,
    );
    expect([listed.replays.map(({ id }) => id), listed.total]).toEqual([[replay.id], 1]);
    const byOperator = await start({ ...wanted, clientId: them.id });
    await untilState(byOperator.id, "completed");
    await theirs.waitFor(2);
  });

  test.concurrent("the list is newest first, page by page", async () => {
    const { as } = await newClient(service.api, "Pages");
    const made = [];
    for (let n = 0; n < 3; n++) made.push(await start({ since: LONG_AGO }, as));
    const ids = made.map(({ id }) => id).toReversed();
    interface Page {
      readonly replays: ReplayJson[];
      readonly nextCursor: string | null;
    }
    const first = bodyOf<Page>(await service.api.get("/replays?limit=2", as), 200);
    const rest = bodyOf<Page>(
      await service.api.get(`/replays?limit=2&cursor=${first.nextCursor}`, as),
      200,
    );
    expect([...first.replays, ...rest.replays].map(({ id }) => id)).toEqual(ids);
    expect([first.replays.length, rest.nextCursor]).toEqual([2, null]);
  });

  test.concurrent.each([
    [{}, "invalid_request"],
    [{ since: "yesterday" }, "invalid_request"],
    [{ since: "2999-01-01T00:00:00Z" }, "invalid_request"],
    [{ since: "2016-12-31T23:59:60Z" }, "invalid_request"],
    [{ since: LONG_AGO, until: LONG_AGO }, "invalid_request"],
    [{ since: LONG_AGO, ratePerSecond: 0 }, "invalid_request"],
    [{ since: LONG_AGO, ratePerSecond: 10_001 }, "invalid_request"],
    [{ since: LONG_AGO, deliveryStatus: "pending" }, "invalid_request"],
    [{ since: LONG_AGO, clientId: "nobody" }, "invalid_request"],
    [{ since: LONG_AGO, endpoint: "a-misspelling" }, "invalid_request"],
  ])("refuses %j", async (wanted, code) => {
    const answer = await service.api.post("/webhook-delivery/replay", wanted);
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  test.concurrent.each(["not-an-id", "00000000-0000-7000-8000-000000000000"])(
    "there is no replay %s",
    async (id) => {
      const answers = await Promise.all([
        service.api.get(`/replays/${id}`),
        service.api.post(`/replays/${id}/cancel`),
      ]);
      for (const { status, body } of answers) {
        expect([status, body.error.code]).toEqual([404, "not_found"]);
      }
      const wanted = { since: LONG_AGO, endpointId: id };
      const { status, body } = await service.api.post("/webhook-delivery/replay", wanted);
      expect([status, body.error.code]).toEqual([404, "endpoint_not_found"]);
    },
  );
});
