/** Fans out the events that were written without their deliveries: the service's own ones. */
import { inTransaction, type Sql } from "../db/client.ts";
import { lockUnpublishedEvent, markPublished } from "../db/events.ts";
import { fanOut } from "./fan-out.ts";

/** False: nothing waits. A process that dies halfway leaves the event as it was. */
export async function publishNextWaiting(sql: Sql, defaultMaxAttempts: number): Promise<boolean> {
  return inTransaction(sql, async (tx) => {
    const event = await lockUnpublishedEvent(tx);
    if (event === undefined) return false;
    // The scheduler lets the first of an ordered line go.
    await fanOut(tx, event, { defaultMaxAttempts });
    await markPublished(tx, event.id);
    return true;
  });
}
