/** Queries on `delivery_pace`: one row that tells when the next delivery may start. */
import type { Queryable } from "./client.ts";

/**
 * Takes the next free start, `spacingMs` after the one before over all workers.
 * Milliseconds from now until it.
 */
export async function takeNextStart(sql: Queryable, spacingMs: number): Promise<number> {
  const [row] = await sql<{ waitMs: number }[]>`
    insert into delivery_pace as pace (name, next_start_at)
    values ('deliveries', clock_timestamp() + ${spacingMs} * interval '1 millisecond')
    on conflict (name) do update
      set next_start_at = greatest(pace.next_start_at, clock_timestamp())
            + ${spacingMs} * interval '1 millisecond'
    returning (extract(epoch from next_start_at - clock_timestamp()) * 1000 - ${spacingMs})::float8
      as "waitMs"`;
  if (row === undefined) throw new Error("taking the next start returned no row");
  return Math.max(0, row.waitMs);
}
