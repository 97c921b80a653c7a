/** Queries on `webhook_endpoints` and the health that stands beside it. */
import type { DisabledReason } from "../core/endpoint-health.ts";
import type { EndpointSettings } from "../core/endpoint.ts";
import { belongsTo, type Queryable } from "./client.ts";

/** An endpoint as its owner may see it, without its secrets. */
export interface Endpoint extends EndpointSettings {
  readonly id: string;
  readonly clientId: string | null;
  /** It is the one that PUT /endpoints/by-source/… updates. */
  readonly registeredSource: string | null;
  readonly headerNames: readonly string[];
  /** What it has of TLS_PARTS. */
  readonly tlsParts: readonly string[];
  readonly rotationEndsAt: Date | null;
  readonly enabled: boolean;
  readonly disabledReason: DisabledReason | null;
  readonly disabledAt: Date | null;
  readonly failureCount: number;
  readonly failingSince: Date | null;
  readonly lastError: string | null;
  readonly lastAttemptAt: Date | null;
  readonly lastSuccessAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The boxes of an endpoint; see endpointPlace. */
export interface EndpointBoxes {
  readonly secretsEncrypted: Buffer;
  readonly headersEncrypted: Buffer | null;
  readonly tlsEncrypted: Buffer | null;
}

export interface EndpointRow extends EndpointSettings, EndpointBoxes {
  readonly headerNames: readonly string[];
  readonly tlsParts: readonly string[];
  readonly rotationEndsAt: Date | null;
}

export interface NewEndpoint extends EndpointRow {
  readonly id: string;
  readonly clientId: string | null;
  readonly registeredSource: string | null;
  readonly enabled: boolean;
}

/** False: this client has an endpoint for this registered source already. */
export async function insertEndpoint(tx: Queryable, endpoint: NewEndpoint): Promise<boolean> {
  const { id, clientId, registeredSource, enabled } = endpoint;
  const inserted = await tx`
    insert into webhook_endpoints
      (id, client_id, registered_source, enabled, disabled_reason, disabled_at,
       name, url, event_types, sources, format, max_attempts, retry_schedule_ms, timeout_ms,
       rate_limit_per_second, max_in_flight, ordered, metadata, secrets_encrypted,
       headers_encrypted, header_names, tls_encrypted, tls_parts, rotation_ends_at)
    select ${id}, ${clientId}, ${registeredSource}, ${enabled},
      ${enabled ? null : "manual"}, ${enabled ? null : tx`now()`}, ${written(tx, endpoint)}
    on conflict do nothing`;
  if (inserted.count === 0) return false;
  await tx`insert into webhook_endpoint_health (endpoint_id) values (${id})`;
  return true;
}

/** Everything that its owner sets, but whether it is enabled. */
export async function updateEndpoint(
  sql: Queryable,
  id: string,
  endpoint: EndpointRow,
): Promise<void> {
  await sql`
    update webhook_endpoints
    set (name, url, event_types, sources, format, max_attempts, retry_schedule_ms, timeout_ms,
         rate_limit_per_second, max_in_flight, ordered, metadata, secrets_encrypted,
         headers_encrypted, header_names, tls_encrypted, tls_parts, rotation_ends_at) = (select ${written(sql, endpoint)}),
        updated_at = now()
    where id = ${id}`;
}

function written(sql: Queryable, endpoint: EndpointRow) {
  const { name, url, eventTypes, sources, retryScheduleMs, headerNames, metadata } = endpoint;
  return sql`
    ${name}::text, ${url}::text, ${texts(sql, eventTypes)}, ${texts(sql, sources)},
    ${endpoint.format}::text, ${endpoint.maxAttempts}::int,
    ${retryScheduleMs === null ? null : `{${retryScheduleMs.join(",")}}`}::text::bigint[],
    ${endpoint.timeoutMs}::int, ${endpoint.rateLimitPerSecond}::float8,
    ${endpoint.maxInFlight}::int, ${endpoint.ordered}::boolean,
    ${metadata === null ? null : JSON.stringify(metadata)}::text::jsonb,
    ${endpoint.secretsEncrypted}::bytea, ${endpoint.headersEncrypted}::bytea,
    ${texts(sql, headerNames)}, ${endpoint.tlsEncrypted}::bytea,
    ${texts(sql, endpoint.tlsParts)}, ${endpoint.rotationEndsAt}::timestamptz`;
}

function texts(sql: Queryable, values: readonly string[]) {
  return sql`array(select jsonb_array_elements_text(${JSON.stringify(values)}::text::jsonb))`;
}

export interface EndpointKey {
  readonly id: string;
  /** Only if it is this client's; undefined: whosever it is. */
  readonly clientId?: string | undefined;
}

export async function findEndpoint(
  sql: Queryable,
  key: EndpointKey,
): Promise<Endpoint | undefined> {
  const [row] = await sql<Endpoint[]>`
    select ${columns(sql)} from ${endpoints(sql)} where ${isThis(sql, key)}`;
  return row;
}

/** With its boxes, locked until the transaction ends. */
export async function lockEndpoint(
  tx: Queryable,
  key: EndpointKey,
): Promise<(Endpoint & EndpointBoxes) | undefined> {
  const [row] = await tx<(Endpoint & EndpointBoxes)[]>`
    select ${columns(tx)}, secrets_encrypted as "secretsEncrypted",
      headers_encrypted as "headersEncrypted", tls_encrypted as "tlsEncrypted"
    from ${endpoints(tx)} where ${isThis(tx, key)} for no key update of endpoint`;
  return row;
}

export async function findEndpointBySource(
  sql: Queryable,
  { source, clientId }: { readonly source: string; readonly clientId: string | null },
): Promise<Endpoint | undefined> {
  const [row] = await sql<Endpoint[]>`
    select ${columns(sql)} from ${endpoints(sql)}
    where ${belongsTo(sql, clientId)}
      and registered_source = ${source}`;
  return row;
}

/** False: it is not there (any more). Its deliveries are another statement's. */
export async function deleteEndpoint(sql: Queryable, key: EndpointKey): Promise<boolean> {
  const deleted = await sql`delete from webhook_endpoints as endpoint where ${isThis(sql, key)}`;
  return deleted.count > 0;
}

/** As it was before; undefined: it is enabled already, or not there. */
export async function enableEndpoint(
  tx: Queryable,
  key: EndpointKey,
): Promise<{ readonly disabledAt: Date; readonly failingSince: Date | null } | undefined> {
  const [row] = await tx<{ disabledAt: Date; failingSince: Date | null }[]>`
    with before as (
      select endpoint.id, disabled_at, disabled_reason, failing_since
      from ${endpoints(tx)} where ${isThis(tx, key)} and not enabled
      for no key update of endpoint
    ), healthy as (
      -- The count starts anew, or the next failure alone would disable it again.
      update webhook_endpoint_health as health
      set failure_count = 0, failing_since = null
      from before where health.endpoint_id = before.id
    )
    update webhook_endpoints as endpoint
    set enabled = true, disabled_reason = null, disabled_at = null, updated_at = now(),
        awaits_recovery = before.disabled_reason <> 'manual'
    from before where endpoint.id = before.id
    returning before.disabled_at as "disabledAt", before.failing_since as "failingSince"`;
  return row;
}

export function endpoints(sql: Queryable) {
  return sql`webhook_endpoints as endpoint
    join webhook_endpoint_health as health on health.endpoint_id = endpoint.id`;
}

function isThis(sql: Queryable, { id, clientId }: EndpointKey) {
  const ofClient = clientId === undefined ? sql`` : sql`and endpoint.client_id = ${clientId}`;
  return sql`endpoint.id = ${id} ${ofClient}`;
}

/** The columns of `Endpoint`, under its names. */
export function columns(sql: Queryable) {
  return sql`
    endpoint.id, client_id as "clientId", registered_source as "registeredSource", name, url,
    to_jsonb(event_types) as "eventTypes", to_jsonb(sources) as sources, format,
    max_attempts as "maxAttempts", to_jsonb(retry_schedule_ms) as "retryScheduleMs",
    timeout_ms as "timeoutMs", rate_limit_per_second as "rateLimitPerSecond",
    max_in_flight as "maxInFlight", ordered, metadata, to_jsonb(header_names) as "headerNames",
    to_jsonb(tls_parts) as "tlsParts",
    rotation_ends_at as "rotationEndsAt", enabled, disabled_reason as "disabledReason",
    disabled_at as "disabledAt", failure_count as "failureCount",
    failing_since as "failingSince", last_error as "lastError",
    last_attempt_at as "lastAttemptAt", last_success_at as "lastSuccessAt",
    created_at as "createdAt", updated_at as "updatedAt"`;
}
