/**
 * The moves of a delivery as SQL: which columns go with which status, so that no UPDATE forgets one. Each
 * is a list for `set`; the caller's WHERE guards from which status it moves. PostgreSQL repeats the
 * invariants as CHECKs (migrations/), and the trigger `delivery_status_moves` refuses every other move.
 */
import type { Queryable } from "./client.ts";

type Fragment = ReturnType<Queryable>;

/** No attempt is in flight any more, whatever comes next. */
export function released(sql: Queryable) {
  return sql`worker_id = null, claim_id = null, permit = null, updated_at = now()`;
}

/** `sent` back to `pending`: it is due at `dueAt`. */
export function releasedToWait(sql: Queryable, dueAt: Fragment = sql`now()`) {
  return sql`status = 'pending', next_retry_at = ${dueAt}, ${released(sql)}`;
}

/** `pending` to its end without an attempt. */
export function ended(sql: Queryable, status: "failed" | "cancelled") {
  return sql`status = ${status}, held = false, next_retry_at = null, updated_at = now()`;
}

/** Finished, and now `pending` again. */
export function reopened(sql: Queryable) {
  return sql`status = 'pending', next_retry_at = now(), delivered_at = null, last_error = null,
    error_type = null, updated_at = now()`;
}
