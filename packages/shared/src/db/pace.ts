/** Queries on `delivery_pace`: one row that tells when the next delivery may start. */
import type { Queryable } from "./client.ts";

export interface Place {
  /** When the delivery may start, in milliseconds on the database's clock. */
  readonly startsAtMs: number;
  /** That clock when the place was taken. */
  readonly takenAtMs: number;
}

/** Takes the next free place, `spacingMs` after the one before over all workers. */
export async function takeNextPlace(sql: Queryable, spacingMs: number): Promise<Place> {
  const [place] = await sql<Place[]>`
    insert into delivery_pace as pace (name, next_start_at)
    values ('deliveries', clock_timestamp() + ${spacingMs} * interval '1 millisecond')
    on conflict (name) do update
      set next_start_at = greatest(pace.next_start_at, clock_timestamp())
            + ${spacingMs} * interval '1 millisecond'
    returning (extract(epoch from next_start_at) * 1000 - ${spacingMs})::float8 as "startsAtMs",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "takenAtMs"`;
  if (place === undefined) throw new Error("taking a place returned no row");
  return place;
}
