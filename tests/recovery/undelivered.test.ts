/** `undelivered` answers what was accepted and is not finished, and how old the oldest of it is. */
import { expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { holdUntil, startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import { insertRow } from "./crew.ts";

interface Stats {
  readonly queue: { readonly waiting: number; readonly active: number; readonly delayed: number };
  readonly undelivered: { readonly count: number; readonly oldestAgeMs: number | null };
}

async function stats({ api }: TestService): Promise<Stats> {
  // A window shorter than the oldest delivery's age: it counts all the same.
  const { text } = await api.get("/webhook-delivery/stats?days=1");
  return JSON.parse(text) as Stats;
}

async function countOverRows({ database }: TestService): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from webhook_deliveries
    where status not in ('success', 'failed', 'cancelled')`;
  return row?.count ?? NaN;
}

const MS_PER_DAY = 86_400_000;
const CONCURRENCY = 2;

test("undelivered counts what is pending, delayed and in flight, and ends at 0", async () => {
  await using receiver = await startReceiver();
  await using service = await startService({
    backend: "redis",
    env: { WORKER_CONCURRENCY: String(CONCURRENCY), RETRY_SCHEDULE_SECONDS: "20" },
  });
  const { api, database } = service;
  expect((await stats(service)).undelivered).toEqual({ count: 0, oldestAgeMs: null });

  // Finished in each way: none of these counts.
  const succeeds = await api.deliver(deliveryTo(receiver.hook()));
  const fails = await api.deliver(deliveryTo(receiver.hook(404)));
  await Promise.all([service.finished(succeeds.id), service.finished(fails.id)]);
  const retryLater = 503;
  const cancelled = await api.deliver(deliveryTo(receiver.hook(retryLater)));
  await service.attempted(cancelled.id, 1);
  expect((await stats(service)).undelivered.count).toBe(1);
  expect((await api.post(`/webhook-delivery/${cancelled.id}/cancel`)).status).toBe(200);
  expect((await stats(service)).undelivered).toEqual({ count: 0, oldestAgeMs: null });

  const delayedHook = receiver.hook(retryLater, 200);
  const delayed = await api.deliver(deliveryTo(delayedHook));
  await service.attempted(delayed.id, 1);
  const released = Promise.withResolvers<void>();
  const held = receiver.hook(holdUntil(released.promise));
  const inFlight = [await api.deliver(deliveryTo(held)), await api.deliver(deliveryTo(held))];
  await held.waitFor(CONCURRENCY);
  // Behind those in flight: of one destination no more are at once.
  const acceptedAt = new Date(Date.now() - 40 * MS_PER_DAY);
  const waiting = [
    await insertRow(database, held.url, { createdAt: acceptedAt }),
    (await api.deliver(deliveryTo(held))).id,
    (await api.deliver(deliveryTo(held))).id,
  ];

  const askedAt = Date.now();
  const { queue, undelivered } = await stats(service);
  expect(queue).toMatchObject({ waiting: 3, active: 2, delayed: 1 });
  expect(undelivered.count).toBe(6);
  expect(undelivered.count).toBe(await countOverRows(service));
  expect(undelivered.oldestAgeMs).toBeGreaterThanOrEqual(askedAt - acceptedAt.getTime());
  expect(undelivered.oldestAgeMs).toBeLessThanOrEqual(Date.now() - acceptedAt.getTime() + 1);

  released.resolve();
  const unfinished = [delayed.id, ...inFlight.map(({ id }) => id), ...waiting];
  await Promise.all(unfinished.map((id) => service.finished(id)));
  expect((await stats(service)).undelivered).toEqual({ count: 0, oldestAgeMs: null });
  expect(await countOverRows(service)).toBe(0);
});
