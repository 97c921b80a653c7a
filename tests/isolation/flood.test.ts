/** One client's flood is its own affair. Counted in deliveries, not in seconds. */
import { expect, test } from "vitest";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { newClient, register } from "@webhook-delivery/shared/testing/registry.ts";
import { BACKENDS, startService } from "@webhook-delivery/shared/testing/service.ts";

const payload = { greeting: "hello" };

test.concurrent.each(BACKENDS)(
  "with the queue in %s a client that posts a flood keeps another's single delivery waiting for little of it",
  async (backend) => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend });
    const [flooding, single] = [
      await newClient(service.api, "flooding"),
      await newClient(service.api, "single"),
    ];
    const [flood, alone] = [receiver.hook(), receiver.hook()];
    const endpoints = await Promise.all(
      Array.from({ length: 20 }, () => register(service.api, { url: flood.url }, flooding.as)),
    );
    const own = await register(service.api, { url: alone.url }, single.as);
    const deliveries = Array.from({ length: 1_000 }, (_, index) => {
      return { endpointId: endpoints[index % 20]?.endpoint.id, payload };
    });
    await service.api.post("/webhook-delivery/batch", { deliveries }, flooding.as);
    for (let count = 1; count <= 3; count++) {
      const before = flood.arrivals.length;
      const request = { endpointId: own.endpoint.id, payload };
      await service.api.post("/webhook-delivery", request, single.as);
      await alone.waitFor(count);
      // Of a thousand that were there before it; `pnpm bench:isolation` counts in seconds.
      expect(flood.arrivals.length - before).toBeLessThan(150);
    }
    expect(flood.arrivals.length).toBeLessThan(1_000);
  },
);
