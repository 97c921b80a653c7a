/**
 * Writes into the rows of the outbox how their deliveries stand. Triggers of migrations/0008_outbox.sql
 * note which rows' deliveries have changed, whoever changed them; here the notes are folded. A note is
 * seen only together with its change, and the deliveries are looked at after the notes were taken, with
 * the rows locked: whoever folds the last note sees the last state. If the process dies, the notes are
 * still there.
 *
 * Rows that an application has set back to `queued` are left to be taken; so are rows whose deliveries
 * are all removed.
 */
import { inTransaction, uuidArray, type Queryable, type Sql } from "./client.ts";
import { boundTransaction } from "./outbox-locks.ts";

// Any constant of ours.
const FOLD_LOCK = 7_268_455_190_118;

/** So many notes take well under half a second. */
export const NOTES_A_STEP = 1_000;

/** How many notes were folded; `limit` when more may be left. 0, too, while another folds. */
export async function foldOutboxNotes(sql: Sql, limit = NOTES_A_STEP): Promise<number> {
  // Most of the time there is nothing to fold, and no transaction to begin.
  const some = await sql`select from outbox_notes limit 1`;
  if (some.count === 0) return 0;
  return inTransaction(sql, async (tx) => {
    await boundTransaction(tx);
    const [lock] = await tx<{ isOurs: boolean }[]>`
      select pg_try_advisory_xact_lock(${FOLD_LOCK}) as "isOurs"`;
    if (lock?.isOurs !== true) return 0;
    const notes = await tx<{ id: string }[]>`
      delete from outbox_notes
      where ctid = any (array(select ctid from outbox_notes limit ${limit}))
      returning outbox_message_id as id`;
    const putBack = await mirror(tx, [...new Set(notes.map(({ id }) => id))]);
    return notes.length - putBack;
  });
}

/** How many could not be mirrored now, because somebody holds their rows; they are noted again. */
async function mirror(tx: Queryable, ids: readonly string[]): Promise<number> {
  const locked = await tx<{ id: string }[]>`
    select id from unnest(${uuidArray(ids)}::text::uuid[]) as noted (id)
    join outbox_messages as message using (id)
    where taken_at is not null
    order by id for no key update of message skip locked`;
  const mine = new Set(locked.map(({ id }) => id));
  const others = ids.filter((id) => !mine.has(id));
  // One that is gone or to be taken needs no note.
  const back = await tx`
    insert into outbox_notes
    select id from unnest(${uuidArray(others)}::text::uuid[]) as noted (id)
    join outbox_messages using (id) where taken_at is not null`;
  if (locked.length === 0) return back.count;
  // Row by row, each by the index: without statistics a join would read all deliveries.
  await tx`
    update outbox_messages as message
    set status = case when is_open then 'queued' when is_success then 'sent' else 'failed' end,
        attempts = standing.attempts, last_error = standing.last_error,
        next_attempt_at = standing.next_attempt_at,
        sent_at = case when is_success then delivered_at end,
        mirrored_at = clock_timestamp(), updated_at = now()
    from unnest(${uuidArray(locked.map(({ id }) => id))}::text::uuid[]) as noted (id)
    cross join lateral (
      select count(*) as deliveries,
        bool_or(status in ('pending', 'sent')) as is_open,
        bool_and(status = 'success') as is_success,
        max(attempt) as attempts,
        min(next_retry_at) as next_attempt_at,
        max(delivered_at) as delivered_at,
        (array_agg(coalesce(last_error, ${CANCELLED}) order by updated_at desc, id desc)
          filter (where last_error is not null or status = 'cancelled'))[1] as last_error
      from webhook_deliveries where outbox_message_id = noted.id
    ) as standing
    where message.id = noted.id and standing.deliveries > 0`;
  return back.count;
}

const CANCELLED = "The delivery was cancelled.";
