/** How destinations stand, for ingest; see also destinations.ts. */
import type { CircuitState } from "../core/circuit.ts";
import type { Sql } from "./client.ts";

/** Null where it was never tried. */
export interface StandingRow {
  readonly key: string;
  readonly isQuick: boolean | null;
  readonly state: CircuitState | null;
  readonly failuresInARow: number | null;
  readonly isPaused: boolean;
  /** A rate that its endpoint may not exceed. */
  readonly hasOwnRate: boolean;
}

/** In the order asked. */
export async function findStandings(
  sql: Sql,
  keys: readonly string[],
): Promise<(StandingRow | undefined)[]> {
  const rows = await sql<StandingRow[]>`
    select asked.key, is_quick as "isQuick", state, failures_in_a_row as "failuresInARow",
      coalesce(paused_until > now(), false) as "isPaused",
      rate_limit_per_second is not null as "hasOwnRate"
    from jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb) as asked (key)
    left join destinations as destination on destination.key = asked.key
    left join webhook_endpoints as endpoint
      on endpoint.id = case when asked.key ~ '^[0-9a-f-]{36}$' then asked.key::uuid end`;
  const found = new Map(rows.map((row) => [row.key, row]));
  return keys.map((key) => found.get(key));
}
