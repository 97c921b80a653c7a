/**
 * Notices permits for deliveries that this database does not have. Another installation puts its jobs into the
 * same queue then, and each takes what is the other's. A look now and then; it changes nothing.
 */
import { findDelivery } from "@webhook-delivery/shared/db/deliveries.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";

const LOOK_EVERY_MS = 5_000;

/** To be called with deliveries whose claim was refused. Never throws. */
export function createForeignPermitWatch(deps: {
  readonly sql: Sql;
  readonly log: Logger;
}): (deliveryId: string) => void {
  const { sql, log } = deps;
  const look = async (id: string): Promise<void> => {
    try {
      if ((await findDelivery(sql, { id })) !== undefined) return;
      log.warn(
        { event: "queue.foreign_job", deliveryId: id },
        "a job came whose delivery is not in this database: does another installation use this queue?",
      );
    } catch (error) {
      log.debug({ event: "queue.foreign_job", err: error }, "could not look for the delivery");
    }
  };
  return throttle(LOOK_EVERY_MS, (id: string) => void look(id));
}
