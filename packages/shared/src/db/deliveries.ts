/** Queries on `webhook_deliveries` made for its callers: accept, read, retry, cancel. */
import type { DeliveryStatus, ErrorType } from "../core/delivery.ts";
import type { FormatName } from "../core/formats/registry.ts";
import type { Queryable } from "./client.ts";

/** A delivery as callers may see it: no body, no secret. */
export interface Delivery {
  readonly id: string;
  readonly clientId: string | null;
  readonly endpointId: string | null;
  readonly leadId: string | null;
  readonly eventType: string;
  /** As stored: mask it before it leaves the house. */
  readonly webhookUrl: string;
  readonly format: FormatName;
  readonly status: DeliveryStatus;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly lastError: string | null;
  readonly errorType: ErrorType | null;
  readonly sentAt: Date | null;
  readonly nextRetryAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly isTestDelivery: boolean;
  readonly metadata: Record<string, unknown> | null;
}

/** `payloadText` and `metadataText` are JSON as their caller spelled it. */
export interface NewDelivery {
  readonly id: string;
  readonly leadId: string | null;
  readonly eventType: string;
  readonly webhookUrl: string;
  readonly payloadText: string;
  readonly body: string;
  readonly format: FormatName;
  readonly secretEncrypted: Buffer | null;
  readonly maxAttempts: number;
  readonly isTestDelivery: boolean;
  readonly metadataText: string | null;
  readonly createdAt: Date;
  readonly idempotency: { readonly key: string; readonly hash: Buffer } | null;
  /** How long the queue is trusted to hold its job; 0: it was not queued. */
  readonly queuedForMs: number;
}

/** Undefined when another delivery already has this idempotency key. */
export async function insertDelivery(
  sql: Queryable,
  delivery: NewDelivery,
): Promise<Delivery | undefined> {
  const [row] = await sql<Delivery[]>`
    insert into webhook_deliveries
      (id, lead_id, event_type, webhook_url, payload, body, format, secret_encrypted, max_attempts,
       is_test_delivery, metadata, created_at, updated_at, next_retry_at, queued_until,
       idempotency_key, idempotency_hash)
    values
      (${delivery.id}, ${delivery.leadId}, ${delivery.eventType}, ${delivery.webhookUrl},
       ${delivery.payloadText}::text::jsonb, ${delivery.body}, ${delivery.format},
       ${delivery.secretEncrypted}, ${delivery.maxAttempts}, ${delivery.isTestDelivery},
       ${delivery.metadataText}::text::jsonb, ${delivery.createdAt}, ${delivery.createdAt}, now(),
       now() + ${delivery.queuedForMs} * interval '1 millisecond',
       ${delivery.idempotency?.key ?? null}, ${delivery.idempotency?.hash ?? null})
    on conflict do nothing
    returning ${columns(sql)}`;
  return row;
}

export async function findDeliveryByIdempotencyKey(
  sql: Queryable,
  key: string,
): Promise<(Delivery & { readonly idempotencyHash: Buffer }) | undefined> {
  const [row] = await sql<(Delivery & { idempotencyHash: Buffer })[]>`
    select ${columns(sql)}, idempotency_hash as "idempotencyHash"
    from webhook_deliveries
    where coalesce(client_id, '00000000-0000-0000-0000-000000000000')
            = '00000000-0000-0000-0000-000000000000'
      and idempotency_key = ${key}`;
  return row;
}

export async function findDelivery(
  sql: Queryable,
  id: string,
): Promise<(Delivery & { readonly payload: unknown }) | undefined> {
  const [row] = await sql<(Delivery & { payload: unknown })[]>`
    select ${columns(sql)}, payload from webhook_deliveries where id = ${id}`;
  return row;
}

/**
 * Starts a new round of attempts for a delivery that is finished. Undefined when it is not there or
 * still pending or in flight.
 */
export async function startNewRound(
  sql: Queryable,
  id: string,
  queuedForMs: number,
): Promise<Delivery | undefined> {
  const [row] = await sql<Delivery[]>`
    update webhook_deliveries
    set status = 'pending', next_retry_at = now(), delivered_at = null,
        queued_until = now() + ${queuedForMs} * interval '1 millisecond',
        attempts_before_round = attempt, interruptions = 0, internal_faults = 0,
        max_attempts = attempt + (max_attempts - attempts_before_round),
        last_error = null, error_type = null, updated_at = now()
    where id = ${id} and status in ('success', 'failed', 'cancelled')
    returning ${columns(sql)}`;
  return row;
}

/** Undefined when it is not there or no longer pending: what is in flight cannot be called back. */
export async function cancelDelivery(sql: Queryable, id: string): Promise<Delivery | undefined> {
  const [row] = await sql<Delivery[]>`
    update webhook_deliveries
    set status = 'cancelled', next_retry_at = null, queued_until = null, updated_at = now()
    where id = ${id} and status = 'pending'
    returning ${columns(sql)}`;
  return row;
}

/** The columns of `Delivery`, under its names. */
export function columns(sql: Queryable) {
  return sql`
    id, client_id as "clientId", endpoint_id as "endpointId", lead_id as "leadId",
    event_type as "eventType", webhook_url as "webhookUrl", format, status, attempt,
    max_attempts as "maxAttempts", response_status as "responseStatus",
    response_body as "responseBody", last_error as "lastError", error_type as "errorType",
    sent_at as "sentAt", next_retry_at as "nextRetryAt", delivered_at as "deliveredAt",
    created_at as "createdAt", updated_at as "updatedAt",
    is_test_delivery as "isTestDelivery", metadata`;
}
