import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { insertDeliveries } from "@webhook-delivery/shared/db/deliveries.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { newDelivery } from "@webhook-delivery/shared/testing/factories.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";
import { createForeignPermitWatch } from "./foreign-permits.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

it("a job whose delivery is not in the database is warned of, one that was only taken already is not", async () => {
  const log = createLog("worker", "silent");
  const warned = vi.spyOn(log, "warn");
  const row = newDelivery();
  await insertDeliveries(database.sql, [row]);
  createForeignPermitWatch({ sql: database.sql, log })(row.id);
  const foreign = randomUUID();
  createForeignPermitWatch({ sql: database.sql, log })(foreign);
  await vi.waitFor(() => expect(warned).toHaveBeenCalledTimes(1), PATIENCE);
  expect(warned.mock.calls[0]?.[0]).toMatchObject({
    event: "queue.foreign_job",
    deliveryId: foreign,
  });
});
