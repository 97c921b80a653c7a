/** One delivery, one request at a time; and a worker that was frozen may come back as late as it likes. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readQueuePrefix } from "@webhook-delivery/shared/db/installation.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import { queueLocation } from "@webhook-delivery/shared/queue/location.ts";
import { grantLeases } from "@webhook-delivery/shared/testing/leases.ts";
import {
  holdUntil,
  startReceiver,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS } from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";
import { receipts, startCrew, type Crew } from "./crew.ts";

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

/** Permitted `count` times, as stalls and leases that were granted anew do. */
async function permit(crew: Crew, deliveryId: string, count: number): Promise<void> {
  const { sql } = crew.database;
  const location = queueLocation({ REDIS_URL: crew.env["REDIS_URL"] ?? null }, () =>
    readQueuePrefix(sql),
  );
  const producer = createProducer({ location, sql, onError: () => undefined });
  for (let n = 0; n < count; n++) {
    await grantLeases(sql, [deliveryId]);
    const one = { deliveryId, destinationKey: deliveryId, kind: "normal", delayMs: 0 } as const;
    await producer.enqueue([one]);
    await vi.waitFor(async () => {
      expect(await sql`select from delivery_leases where delivery_id = ${deliveryId}`).toEqual([]);
    }, PATIENCE);
  }
  await producer.close();
}

/** Every attempt in a line, sorted: which clock an interrupted one began by says nothing. */
async function summary(crew: Crew, id: string): Promise<string[]> {
  const attempts = await crew.attempts(id);
  return attempts
    .map(
      ({ attemptNumber, responseStatus, errorType, willRetry }) =>
        `${attemptNumber} ${responseStatus} ${errorType}, ${willRetry ? "retry" : "no retry"}`,
    )
    .toSorted();
}

describe.concurrent.each(BACKENDS)("with the queue in %s", (backend) => {
  test.concurrent("the late results of a worker that was frozen are logged and change nothing", async () => {
    // As long as it is frozen its own timeout must not pass, or its result would be that.
    const env = { DELIVERY_TIMEOUT_MS: "60000" };
    await using crew = await startCrew({ backend, workers: 1, env });
    const thawed = Promise.withResolvers<void>();
    const lateFailure = receiver.hook(holdUntil(thawed.promise, 503), 200);
    const lateSuccess = receiver.hook(holdUntil(thawed.promise, 200), 404);
    const [succeeds, fails] = [await crew.accept(lateFailure), await crew.accept(lateSuccess)];
    await Promise.all([lateFailure.waitFor(1), lateSuccess.waitFor(1)]);
    const frozen = await crew.holderOf(succeeds);
    await crew.hire();
    process.kill(frozen.pid, "SIGSTOP");

    await Promise.all([lateFailure.waitFor(2), lateSuccess.waitFor(2)]);
    await Promise.all([crew.finished(succeeds), crew.finished(fails)]);
    const ended = [await crew.delivery(succeeds), await crew.delivery(fails)];
    expect(ended).toMatchObject([
      { status: "success", attempt: 1, responseStatus: 200 },
      { status: "failed", attempt: 1, responseStatus: 404, errorType: "http" },
    ]);

    thawed.resolve();
    process.kill(frozen.pid, "SIGCONT");
    for (const id of [succeeds, fails]) {
      await frozen.waitForLine(
        (line) => line["deliveryId"] === id && line["status"] === "superseded",
      );
    }
    expect([await crew.delivery(succeeds), await crew.delivery(fails)]).toEqual(ended);
    expect(await summary(crew, succeeds)).toEqual([
      "1 200 null, no retry",
      "1 503 http, no retry",
      "1 null interrupted, retry",
    ]);
    expect(await summary(crew, fails)).toEqual([
      "1 200 null, no retry",
      "1 404 http, no retry",
      "1 null interrupted, retry",
    ]);
    expect(receipts(lateFailure)).toHaveLength(2);
    expect(receipts(lateSuccess)).toHaveLength(2);
  });

  test.concurrent("twenty permits for one delivery in two workers are one request", async () => {
    await using crew = await startCrew({ backend, workers: 2, env: { LOG_LEVEL: "debug" } });
    const released = Promise.withResolvers<void>();
    const hook = receiver.hook(holdUntil(released.promise));
    const id = await crew.accept(hook);
    await hook.waitFor(1);
    await permit(crew, id, 19);
    const isSkip = (line: { event?: string }): boolean => line.event === "job.skipped";
    // Each of them meets the delivery in flight.
    const skips = (): number => crew.workers.flatMap(({ lines }) => lines.filter(isSkip)).length;
    await vi.waitFor(() => expect(skips()).toBe(19), PATIENCE);
    released.resolve();
    await crew.finished(id);
    expect(receipts(hook)).toEqual([{ id, attempt: "1" }]);
    expect(await crew.attempts(id)).toHaveLength(1);

    // The moves themselves are held in packages/shared/src/db/delivery-moves.test.ts.
    for (const status of ["sent", "failed", "cancelled"]) {
      const move = crew.database
        .sql`update webhook_deliveries set status = ${status} where id = ${id}`;
      await expect(move).rejects.toMatchObject({ constraint_name: "delivery_status_moves" });
    }
  });
});
