/** A worker that stops leaves what it had not begun to the others, at once and without a trace. */
import { expect, test } from "vitest";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { BACKENDS } from "@webhook-delivery/shared/testing/service.ts";
import { receipts, startCrew } from "./crew.ts";

const ROWS = 6;
/** Whoever is not the first waits for longer than the test takes. */
const SLOWLY = { RATE_LIMIT_PER_SECOND: "0.01" };

test.concurrent.each(BACKENDS)(
  "with the queue in %s deliveries that wait for their turn are given back",
  async (backend) => {
    await using receiver = await startReceiver();
    await using crew = await startCrew({ backend, workers: 0 });
    const hook = receiver.hook();
    const first = await crew.accept(hook);
    const slow = await crew.hire(SLOWLY);
    await crew.finished(first);
    const ids = await Promise.all(Array.from({ length: ROWS }, () => crew.accept(hook)));
    await expect
      .poll(async () => {
        const [row] = await crew.database.sql<{ count: number }[]>`
          select count(*)::int as count from webhook_deliveries where status = 'sent'`;
        return row?.count;
      })
      .toBeGreaterThan(1);

    expect(await slow.stop()).toMatchObject({ code: 0 });
    for (const id of ids) {
      expect(await crew.delivery(id)).toMatchObject({ status: "pending", attempt: 0 });
      expect(await crew.attempts(id)).toEqual([]);
    }
    await crew.database.sql`delete from delivery_pace`;
    await crew.hire();
    await Promise.all(ids.map((id) => crew.finished(id)));
    expect(hook.arrivedIds()).toEqual([first, ...ids].toSorted());
    expect(receipts(hook).every(({ attempt }) => attempt === "1")).toBe(true);
  },
);
