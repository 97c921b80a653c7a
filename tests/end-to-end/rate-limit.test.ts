/**
 * The rate is one for all workers together, in every sliding second. Exact by the starts that the log
 * tells; at the receiver, which shares this busy process with the callers, late readings are allowed for.
 */
import { expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS, startService } from "@webhook-delivery/shared/testing/service.ts";

const DELIVERIES = 120;
const RATE_PER_SECOND = 50;
/** 120 at 50 a second take 2.4 s. */
const ALL_WITHIN_MS = 6_000;
/** The workers' clock is that of the wall, and corrected; the arrivals' only goes on. */
const CLOCKS_DIFFER_MS = 50;

/** The shortest time in which one more than the rate came. */
function shortestSpan(times: readonly number[]): number {
  return Math.min(...times.slice(RATE_PER_SECOND).map((atMs, at) => atMs - (times[at] ?? 0)));
}

test.each(BACKENDS)(
  "with the queue in %s three workers start no more than 50 in any second and little less",

  async (backend) => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend, workers: 3 });
    const hook = receiver.hook();
    const askedAtMs = performance.timeOrigin + performance.now();
    await Promise.all(
      Array.from({ length: DELIVERIES }, () => service.api.deliver(deliveryTo(hook))),
    );
    const arrivals = await hook.waitFor(DELIVERIES);

    await Promise.all(hook.arrivedIds().map((id) => service.finished(id)));
    const starts = await service.database.sql<{ atMs: number }[]>`
      select (extract(epoch from attempted_at) * 1000)::float8 as "atMs"
      from webhook_delivery_logs order by attempted_at`;
    expect(starts).toHaveLength(DELIVERIES);
    expect(shortestSpan(starts.map(({ atMs }) => atMs))).toBeGreaterThanOrEqual(1_000);
    const times = arrivals.map(({ atMs }) => atMs);
    // From the asking on: a late event loop makes the time between two arrivals shorter as well as longer.
    const early = times
      .toSorted((a, b) => a - b)
      .map((atMs, n) => atMs - askedAtMs - Math.floor(n / RATE_PER_SECOND) * 1_000)
      .filter((sinceDueMs) => sinceDueMs < -CLOCKS_DIFFER_MS);
    expect(early).toEqual([]);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(ALL_WITHIN_MS);
    expect(new Set(hook.arrivedIds()).size).toBe(DELIVERIES);
    expect(arrivals).toHaveLength(DELIVERIES);
  },
);
