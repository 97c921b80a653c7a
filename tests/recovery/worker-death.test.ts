import { claimNow } from "@webhook-delivery/shared/testing/leases.ts";
/** A worker that dies in the middle of a request costs the receiver nothing but a repetition. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_INTERRUPTIONS } from "@webhook-delivery/shared/core/fault.ts";
import { recoverInterrupted } from "@webhook-delivery/shared/db/interruptions.ts";
import type { TestProcess } from "@webhook-delivery/shared/testing/process.ts";
import { hang, startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS } from "@webhook-delivery/shared/testing/service.ts";
import { receipts, startCrew, type Crew } from "./crew.ts";

const TAKEN_UP_WITHIN_MS = 25_000;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

/**
 * Kills the worker that has it in flight. Then it must arrive again, by another worker that is there or
 * by the one that is started for it.
 */
async function dieDuringRequest(crew: Crew, successor?: () => Promise<TestProcess>): Promise<void> {
  const hook = receiver.hook(hang, 200);
  // One attempt is all it has: an interruption that spent it would end it.
  const id = await crew.accept(hook, { maxAttempts: 1 });
  await hook.waitFor(1);
  const worker = await crew.holderOf(id);
  const killedAtMs = performance.timeOrigin + performance.now();
  await worker.kill();
  // A machine that is slow to start a process is not counted.
  const startedAtMs = await (
    await successor?.()
  )
    ?.waitForEvent("worker.starting")
    .then(({ time }) => Date.parse(String(time)));
  const [, second] = await hook.waitFor(2);
  expect((second?.atMs ?? Infinity) - (startedAtMs ?? killedAtMs)).toBeLessThan(TAKEN_UP_WITHIN_MS);

  await crew.finished(id);
  expect(receipts(hook)).toEqual([
    { id, attempt: "1" },
    { id, attempt: "1" },
  ]);
  expect(await crew.delivery(id)).toMatchObject({ status: "success", attempt: 1, maxAttempts: 1 });
  expect(await crew.attempts(id)).toMatchObject([
    { attemptNumber: 1, errorType: "interrupted", willRetry: true, responseStatus: null },
    { attemptNumber: 1, errorType: null, willRetry: false, responseStatus: 200 },
  ]);
}

describe.each(BACKENDS)("with the queue in %s, a delivery whose worker was killed", (backend) => {
  test.concurrent("is taken up by another worker, with the same id and attempt", async () => {
    await using crew = await startCrew({ backend, workers: 2 });
    await dieDuringRequest(crew);
  });

  test.concurrent("is taken up by the worker that comes after it, which is alone", async () => {
    await using crew = await startCrew({ backend, workers: 1 });
    await dieDuringRequest(crew, () => crew.hire());
  });
});

test.concurrent("a delivery during which the worker dies each time is given up with the reason", async () => {
  await using crew = await startCrew({ backend: "redis", workers: 0 });
  const { sql } = crew.database;
  const id = await crew.accept({ url: "https://example.com/" }, { maxAttempts: 2 });
  for (let death = 1; death <= MAX_INTERRUPTIONS; death++) {
    const workerId = randomUUID();
    expect(await claimNow(sql, id, workerId)).toMatchObject({ attempt: 1 });
    const recovered = await recoverInterrupted(sql, {
      workerIds: [workerId],
      exceptClaimIds: [],
      claimedBefore: "infinity",
      maxInterruptions: MAX_INTERRUPTIONS,
    });
    expect(recovered).toEqual([id]);
  }
  expect(MAX_INTERRUPTIONS).toBe(10);
  expect(await crew.delivery(id)).toMatchObject({
    status: "failed",
    attempt: 0,
    errorType: "interrupted",
    lastError: expect.stringMatching(/worker died during 10 attempts in a row/) as unknown,
    nextRetryAt: null,
  });
  const attempts = await crew.attempts(id);
  expect(attempts.map(({ willRetry }) => willRetry)).toEqual([...Array(9).fill(true), false]);
  expect(new Set(attempts.map(({ errorType }) => errorType))).toEqual(new Set(["interrupted"]));
  expect(await claimNow(sql, id)).toBeUndefined();
});
