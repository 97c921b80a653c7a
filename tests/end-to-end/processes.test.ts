/** How the processes stop and die, and that nothing accepted is lost by it. */
import { describe, expect, test } from "vitest";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { hang, holdUntil, startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS, startService } from "@webhook-delivery/shared/testing/service.ts";

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  test.concurrent("a worker that is told to stop finishes what is in flight and loses nothing", async () => {
    await using receiver = await startReceiver();
    await using service = await startService({ backend });
    const [worker] = service.workers;
    const released = Promise.withResolvers<void>();
    const hook = receiver.hook(holdUntil(released.promise));
    const deliveries = await Promise.all(
      Array.from({ length: 8 }, () => service.api.deliver(deliveryTo(hook))),
    );
    // Its concurrency: the other three wait in the queue.
    await hook.waitFor(5);
    const stopped = worker?.stop();
    await worker?.waitForEvent("worker.stopping");
    released.resolve();
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(hook.arrivals).toHaveLength(5);
    const [counts] = await service.database.sql`
      select count(*) filter (where status = 'success')::int as success,
             count(*) filter (where status = 'pending')::int as pending
      from webhook_deliveries`;
    expect(counts).toEqual({ success: 5, pending: 3 });

    await service.startWorker();
    await hook.waitFor(8);
    expect(hook.arrivedIds()).toEqual(deliveries.map(({ id }) => id).toSorted());
  });

  test.concurrent("a worker that cannot finish in time gives up and another one takes over", async () => {
    await using receiver = await startReceiver();
    const env = { SHUTDOWN_TIMEOUT_MS: "3000" };
    await using service = await startService({ backend, env });
    const [worker] = service.workers;
    const hook = receiver.hook(hang, 200);
    const { id } = await service.api.deliver(deliveryTo(hook));
    await hook.waitFor(1);
    const toldAt = performance.now();
    expect(await worker?.stop()).toEqual({ code: 0, signal: null });
    // Half a second, and what a busy machine adds; its receiver would hold it for ten.
    expect(performance.now() - toldAt).toBeLessThan(6_000);

    await service.startWorker();
    await service.finished(id);
    expect(await service.api.read(id)).toMatchObject({
      status: "success",
      attempt: 1,
      attempts: [{ errorType: "interrupted", willRetry: true }, { errorType: null }],
    });
  });

  test.concurrent("what a killed worker had in flight is logged as interrupted and made again", async () => {
    await using receiver = await startReceiver();
    // It is still in flight when a busy machine has started another worker.
    const env = { DELIVERY_TIMEOUT_MS: "60000" };
    await using service = await startService({ backend, env });
    const hook = receiver.hook(hang, 200);
    const { id } = await service.api.deliver(deliveryTo(hook, { maxAttempts: 1 }));
    await hook.waitFor(1);
    await service.startWorker();
    await service.workers[0]?.kill();
    await service.finished(id);
    // It spent none of the receiver's attempts: there was only one.
    expect(await service.api.read(id)).toMatchObject({
      status: "success",
      attempt: 1,
      maxAttempts: 1,
      attempts: [
        { attemptNumber: 1, errorType: "interrupted", willRetry: true },
        { attemptNumber: 1, errorType: null, willRetry: false },
      ],
    });
    expect(hook.arrivals).toHaveLength(2);
  });

  test.concurrent("ingest that is told to stop still answers what is asked and exits with 0", async () => {
    await using service = await startService({ backend, workers: 0 });
    const stopped = service.ingest.stop();
    await service.ingest.waitForEvent("ingest.stopping");
    expect((await service.api.get("/webhook-delivery")).status).toBe(200);
    expect((await service.api.get("/readyz")).status).toBe(503);
    expect(await stopped).toEqual({ code: 0, signal: null });
  });
});

test.concurrent("what Redis forgot is delivered all the same, once", async () => {
  await using receiver = await startReceiver();
  await using service = await startService({ backend: "redis", workers: 0 });
  const hook = receiver.hook();
  const deliveries = await Promise.all(
    Array.from({ length: 5 }, () => service.api.deliver(deliveryTo(hook))),
  );
  await service.redis?.loseEverything();
  await service.startWorker();
  await hook.waitFor(5);
  await Promise.all(deliveries.map(({ id }) => service.finished(id)));
  expect(hook.arrivedIds()).toEqual(deliveries.map(({ id }) => id).toSorted());
});
