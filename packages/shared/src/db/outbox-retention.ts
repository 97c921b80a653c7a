/** Removes finished rows of the outbox that are old, the oldest first, in steps of one short statement. */
import type { Queryable } from "./client.ts";
import { cutoff, isOurTurn, ROWS_A_STEP, type Removal } from "./retention.ts";

/** How many each step removed. Rows that somebody has locked are left to the next pass. */
export async function* removeOutboxMessages(
  sql: Queryable,
  removal: Omit<Removal, "scope">,
  limit = ROWS_A_STEP,
): AsyncGenerator<number, void> {
  let removed: number;
  do {
    const rows = await sql`
      delete from outbox_messages where id = any (array(
        select id from outbox_messages
        where ${isOurTurn(sql, removal)} and status in ('sent', 'failed')
          and updated_at <= ${cutoff(sql, removal)} and created_at <= ${cutoff(sql, removal)}
        order by updated_at limit ${limit} for update skip locked
      ))`;
    removed = rows.count;
    yield removed;
  } while (removed === limit);
}
