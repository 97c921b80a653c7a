/** A short run of `pnpm fuzz` with a fixed seed. */
import { expect, test } from "vitest";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { API_KEY, startService } from "@webhook-delivery/shared/testing/service.ts";
import { fuzz } from "./run.ts";

test("two thousand generated requests meet no fault of ours and nothing that is not documented", async () => {
  // What the operator sends opens the routes with secrets of their own as well.
  const secrets = { OUTBOX_SECRET: API_KEY, CRON_SECRET: API_KEY };
  const env = { RATE_LIMIT_PER_SECOND: "0", WORKER_CONCURRENCY: "50", ...secrets };
  await using service = await startService({ backend: "postgres", env });
  await using receiver = await startReceiver();
  const report = await fuzz({
    url: service.api.url,
    operatorKey: API_KEY,
    receiverUrl: receiver.hook().url,
    requests: 2_000,
    seed: 7,
  });
  expect(report.problems).toEqual([]);
  expect(report.requests).toBe(2_000);
  expect(report.byStatus[200]).toBeGreaterThan(100);
  expect(report.byStatus[400]).toBeGreaterThan(100);
});
