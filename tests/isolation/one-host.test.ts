/**
 * Many customers' hooks stand at one host (Zapier's, Make's), and most are posted to by their URL, without
 * an endpoint. Once 30 deliveries to a dead one kept another's waiting for minutes.
 */
import { expect, test, vi } from "vitest";
import { startReceiver, type Hook } from "@webhook-delivery/shared/testing/receiver.ts";
import { newClient } from "@webhook-delivery/shared/testing/registry.ts";
import { BACKENDS, startService } from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";

const to = ({ url }: Hook) => ({ webhookUrl: `${url}?token=of-this-one`, payload: {} });
const keyOf = ({ url }: Hook) => url.replace("http://", "");

test.concurrent.each(BACKENDS)(
  "with the queue in %s a dead hook and one that asks to wait hold back nothing else at their host",
  async (backend) => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend });
    const { api } = service;
    const [dead, busy, fine] = [
      receiver.hook(500),
      receiver.hook({ status: 429, headers: { "retry-after": "3600" } }),
      receiver.hook(),
    ];
    const deliveries = Array.from({ length: 30 }, () => to(dead));
    await api.post("/webhook-delivery/batch", { deliveries });
    const held = await api.deliver(to(busy));
    await service.attempted(held.id, 1);
    await service.workers[0]?.waitForLine(
      ({ event, destination }) => event === "destination.open" && destination === keyOf(dead),
    );
    const { as } = await newClient(api, "another");
    for (let count = 1; count <= 3; count++) {
      await api.post("/webhook-delivery", to(fine), as);
      await fine.waitFor(count);
    }
    const look = (hook: Hook, own?: typeof as) =>
      api.get(`/destinations/${encodeURIComponent(keyOf(hook))}`, own);
    const standing = async (hook: Hook) => (await look(hook)).text;
    expect(JSON.parse(await standing(dead))).toMatchObject({ destination: { state: "open" } });
    expect(JSON.parse(await standing(busy))).toMatchObject({
      destination: { state: "closed", pausedUntil: expect.any(String) as unknown },
    });
    expect(JSON.parse(await standing(fine))).toMatchObject({
      destination: { state: "closed", pausedUntil: null, heldBack: 0 },
    });

    // Nothing of another client's waits there, and then something does.
    expect((await look(busy, as)).status).toBe(404);
    await api.post("/webhook-delivery", to(busy), as);
    await vi.waitFor(async () => expect((await look(busy, as)).status).toBe(200), PATIENCE);
  },
);
