/** Queries on `destinations`. */
import type { Circuit } from "../core/circuit.ts";
import type { Queryable } from "./client.ts";

export interface KnownDestination {
  readonly key: string;
  readonly isQuick: boolean;
  readonly circuit: Circuit;
}

/** A row's columns, as a walk or a read selects them; `key` null: there is none. */
export interface DestinationColumns extends Circuit {
  readonly key: string | null;
  readonly isQuick: boolean;
}

export function toKnown(row: DestinationColumns): KnownDestination | undefined {
  const { key, isQuick, ...circuit } = row;
  return key === null ? undefined : { key, isQuick, circuit };
}

export async function findDestinations(
  sql: Queryable,
  keys: readonly string[],
): Promise<KnownDestination[]> {
  const rows = await sql<DestinationColumns[]>`
    select ${destinationColumns(sql)} from destinations as destination
    where destination.key = any (array(
      select jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb)))`;
  return rows.flatMap((row) => toKnown(row) ?? []);
}

/** Locked in one order by everybody, until the transaction ends; with the database's clock. */
export async function lockDestinations(
  tx: Queryable,
  keys: readonly string[],
): Promise<{ readonly known: Map<string, KnownDestination>; readonly nowMs: number }> {
  const rows = await tx<DestinationColumns[]>`
    select ${destinationColumns(tx)} from destinations as destination
    where destination.key = any (array(
      select jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb)))
    order by destination.key for update`;
  const [clock] = await tx<{ nowMs: number }[]>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"`;
  const known = rows.flatMap((row) => toKnown(row) ?? []);
  return { known: new Map(known.map((one) => [one.key, one])), nowMs: clock?.nowMs ?? 0 };
}

export interface DestinationRecord extends KnownDestination {
  readonly endpointId: string | null;
  readonly clientId: string | null;
}

/** Writes them, over what is there. */
export async function saveDestinations(
  tx: Queryable,
  destinations: readonly DestinationRecord[],
): Promise<void> {
  if (destinations.length === 0) return;
  const rows = destinations
    .map(({ circuit, ...rest }) => ({ ...rest, ...circuit }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  await tx`
    insert into destinations as destination
      (key, endpoint_id, client_id, is_quick, state, state_since, reason, failures_in_a_row,
       throttles_in_a_row, probe_at, failed_probes, rate_per_second, cautious_above, paused_until)
    select key, "endpointId", "clientId", "isQuick", state, ${instant(tx, "sinceMs")}, reason,
      "failuresInARow", "throttlesInARow", ${instant(tx, "probeAtMs")}, "failedProbes", "ratePerSecond",
      "cautiousAbove", ${instant(tx, "pausedUntilMs")}
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as given
      (key text, "endpointId" uuid, "clientId" uuid, "isQuick" boolean, state text,
       "sinceMs" float8, reason text, "failuresInARow" int, "throttlesInARow" int, "probeAtMs" float8,
       "failedProbes" int, "ratePerSecond" float8, "cautiousAbove" float8,
       "pausedUntilMs" float8)
    on conflict (key) do update set
      is_quick = excluded.is_quick, state = excluded.state, state_since = excluded.state_since,
      reason = excluded.reason, failures_in_a_row = excluded.failures_in_a_row,
      throttles_in_a_row = excluded.throttles_in_a_row,
      probe_at = excluded.probe_at, failed_probes = excluded.failed_probes,
      rate_per_second = excluded.rate_per_second, cautious_above = excluded.cautious_above,
      paused_until = excluded.paused_until, updated_at = now()`;
}

/** Leases by age were granted to them now: what the rate of a half-open circuit counts from. */
export async function noteReleases(sql: Queryable, keys: readonly string[]): Promise<void> {
  await sql`
    update destinations set released_at = now() where key = any (array(
      select jsonb_array_elements_text(${JSON.stringify(keys)}::text::jsonb)))`;
}

function instant(sql: Queryable, column: string) {
  return sql`to_timestamp(${sql(column)} / 1000)`;
}

export function destinationColumns(sql: Queryable) {
  const ms = (column: string) => sql`(extract(epoch from ${sql(column)}) * 1000)::float8`;
  return sql`destination.key, is_quick as "isQuick", state,
    ${ms("state_since")} as "sinceMs", reason,
    failures_in_a_row as "failuresInARow", throttles_in_a_row as "throttlesInARow",
    ${ms("probe_at")} as "probeAtMs",
    failed_probes as "failedProbes", rate_per_second as "ratePerSecond",
    cautious_above as "cautiousAbove", ${ms("paused_until")} as "pausedUntilMs"`;
}
