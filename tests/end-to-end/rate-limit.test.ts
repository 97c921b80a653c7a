/** The rate is one for all workers together, in every sliding second, as the receiver counts it. */
import { expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS, startService } from "@webhook-delivery/shared/testing/service.ts";

const DELIVERIES = 120;
const RATE_PER_SECOND = 50;
/** 120 at 50 a second take 2.4 s. */
const ALL_WITHIN_MS = 4_000;

test.each(BACKENDS)(
  "with the queue in %s three workers start no more than 50 in any second and little less",

  async (backend) => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend, workers: 3 });
    const hook = receiver.hook();
    await Promise.all(
      Array.from({ length: DELIVERIES }, () => service.api.deliver(deliveryTo(hook))),
    );
    const arrivals = await hook.waitFor(DELIVERIES);

    const times = arrivals.map(({ atMs }) => atMs);
    const spans = times.slice(RATE_PER_SECOND).map((atMs, at) => atMs - (times[at] ?? 0));
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(1_000);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(ALL_WITHIN_MS);
    expect(new Set(hook.arrivedIds()).size).toBe(DELIVERIES);
    expect(arrivals).toHaveLength(DELIVERIES);
  },
);
