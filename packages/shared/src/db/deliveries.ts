/** Queries on `webhook_deliveries` made for its callers: accept, read, retry, cancel. */
import type { DeliveryErrorType, DeliveryStatus } from "../core/delivery.ts";
import type { FormatName } from "../core/formats/registry.ts";
import { belongsTo, type Queryable } from "./client.ts";
import { ended, reopened } from "./transitions.ts";

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
  readonly errorType: DeliveryErrorType | null;
  readonly sentAt: Date | null;
  readonly nextRetryAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly isTestDelivery: boolean;
  readonly metadata: Record<string, unknown> | null;
}

/**
 * What a delivery says, as JSON in its sender's spelling. Deliveries that share one object share it on
 * the way to the database too.
 */
export interface DeliveryContent {
  readonly payloadText: string;
  /** Exactly what is signed and sent. */
  readonly body: string;
}

export interface NewDelivery {
  readonly id: string;
  readonly clientId: string | null;
  readonly endpointId: string | null;
  readonly leadId: string | null;
  readonly eventId: string | null;
  readonly eventType: string;
  readonly webhookUrl: string;
  readonly content: DeliveryContent;
  readonly format: FormatName;
  /** Of its own; an endpoint's delivery is signed with the endpoint's. */
  readonly secretEncrypted: Buffer | null;
  readonly maxAttempts: number;
  /** False: the endpoint's number holds, also when it changes. */
  readonly hasOwnMaxAttempts: boolean;
  readonly isTestDelivery: boolean;
  readonly metadataText: string | null;
  readonly createdAt: Date;
  readonly idempotency: { readonly key: string; readonly hash: Buffer } | null;
  /** Its place in an ordered endpoint's line, where it is held until its turn. */
  readonly orderNo: number | null;
  /** Written down as failed, so that it can be seen and replayed. */
  readonly isEndpointDisabled: boolean;
  /** The row of the outbox that asked for it. */
  readonly outboxMessageId: string | null;
}

/** In the order given. Undefined: another delivery already has this idempotency key. */
export async function insertDeliveries(
  sql: Queryable,
  deliveries: readonly NewDelivery[],
): Promise<(Delivery | undefined)[]> {
  const contents = [...new Set(deliveries.map(({ content }) => content))];
  const contentNos = new Map(contents.map((content, no) => [content, no]));
  const given = deliveries.map((delivery) => toRow(delivery, contentNos.get(delivery.content)));
  const givenContents = contents.map(({ payloadText, body }, no) => ({ no, payloadText, body }));
  const rows = await sql<Delivery[]>`
    with content as materialized (
      select no, "payloadText"::jsonb as payload, body
      from jsonb_to_recordset(${JSON.stringify(givenContents)}::text::jsonb)
        as content (no int, "payloadText" text, body text)
    ), given as (
      select * from jsonb_to_recordset(${JSON.stringify(given)}::text::jsonb)
        as given (id uuid, client_id uuid, endpoint_id uuid, lead_id text, event_id text,
          event_type text, webhook_url text, content_no int, format text, secret_encrypted text,
          max_attempts int, has_own_max_attempts boolean, is_test_delivery boolean, metadata text,
          created_at timestamptz, idempotency_key text, idempotency_hash text, order_no bigint,
          is_endpoint_disabled boolean, outbox_message_id uuid)
    )
    insert into webhook_deliveries
      (id, client_id, endpoint_id, lead_id, event_id, event_type, webhook_url, payload, body, format,
       secret_encrypted, max_attempts, has_own_max_attempts, is_test_delivery, metadata, created_at,
       updated_at, idempotency_key, idempotency_hash, order_no, outbox_message_id,
       status, held, next_retry_at, error_type, last_error)
    select id, client_id, endpoint_id, lead_id, event_id, event_type, webhook_url, payload, body,
      format, decode(secret_encrypted, 'hex'), max_attempts, has_own_max_attempts, is_test_delivery,
      metadata::jsonb, created_at, created_at, idempotency_key, decode(idempotency_hash, 'hex'),
      order_no, outbox_message_id,
      case when is_endpoint_disabled then 'failed' else 'pending' end,
      order_no is not null and not is_endpoint_disabled,
      case when not is_endpoint_disabled then now() end,
      case when is_endpoint_disabled then 'endpoint_disabled' end,
      case when is_endpoint_disabled then ${ENDPOINT_DISABLED} end
    from given join content on content.no = given.content_no
    on conflict do nothing
    returning ${columns(sql)}`;
  const inserted = new Map(rows.map((row) => [row.id, row]));
  return deliveries.map(({ id }) => inserted.get(id));
}

/** `lastError` of a delivery that was not tried because of its endpoint. */
export const ENDPOINT_DISABLED = "The endpoint is disabled: nothing was sent.";
export const ENDPOINT_DELETED = "The endpoint was deleted: nothing more is sent.";

function toRow(delivery: NewDelivery, contentNo: number | undefined) {
  return {
    id: delivery.id,
    client_id: delivery.clientId,
    endpoint_id: delivery.endpointId,
    lead_id: delivery.leadId,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    webhook_url: delivery.webhookUrl,
    content_no: contentNo,
    format: delivery.format,
    secret_encrypted: delivery.secretEncrypted?.toString("hex"),
    max_attempts: delivery.maxAttempts,
    has_own_max_attempts: delivery.hasOwnMaxAttempts,
    is_test_delivery: delivery.isTestDelivery,
    metadata: delivery.metadataText,
    created_at: delivery.createdAt,
    idempotency_key: delivery.idempotency?.key,
    idempotency_hash: delivery.idempotency?.hash.toString("hex"),
    order_no: delivery.orderNo,
    is_endpoint_disabled: delivery.isEndpointDisabled,
    outbox_message_id: delivery.outboxMessageId,
  };
}

export async function findDeliveryByIdempotencyKey(
  sql: Queryable,
  { key, clientId }: { readonly key: string; readonly clientId: string | null },
): Promise<(Delivery & { readonly idempotencyHash: Buffer }) | undefined> {
  const [row] = await sql<(Delivery & { idempotencyHash: Buffer })[]>`
    select ${columns(sql)}, idempotency_hash as "idempotencyHash"
    from webhook_deliveries
    where ${belongsTo(sql, clientId)}
      and idempotency_key = ${key}`;
  return row;
}

/** `clientId`: only if it is this client's. */
export async function findDelivery(
  sql: Queryable,
  { id, clientId }: { readonly id: string; readonly clientId?: string | undefined },
): Promise<(Delivery & { readonly payloadText: string; readonly body: string }) | undefined> {
  const ofClient = clientId === undefined ? sql`` : sql`and client_id = ${clientId}`;
  const [row] = await sql<(Delivery & { payloadText: string; body: string })[]>`
    select ${columns(sql)}, payload::text as "payloadText", body
    from webhook_deliveries where id = ${id} ${ofClient}`;
  return row;
}

export interface NewRound {
  readonly id: string;
  /** A new place at the end of an ordered endpoint's line. */
  readonly orderNo: number | null;
}

/**
 * Starts a new round of attempts for deliveries that are finished. Those that are not there any more,
 * pending or in flight are left out of the result.
 */
export async function startNewRounds(
  sql: Queryable,
  rounds: readonly NewRound[],
): Promise<Delivery[]> {
  return sql<Delivery[]>`
    update webhook_deliveries
    set ${reopened(sql)}, order_no = round."orderNo", held = round."orderNo" is not null,
        attempts_before_round = attempt, interruptions = 0, internal_faults = 0,
        max_attempts = attempt + (max_attempts - attempts_before_round)
    from jsonb_to_recordset(${JSON.stringify(rounds)}::text::jsonb)
      as round ("id" uuid, "orderNo" bigint)
    where webhook_deliveries.id = round.id and status in ('success', 'failed', 'cancelled')
    returning ${columns(sql)}`;
}

/** Undefined when it is not there or no longer pending: what is in flight cannot be called back. */
export async function cancelDelivery(sql: Queryable, id: string): Promise<Delivery | undefined> {
  const [row] = await sql<Delivery[]>`
    update webhook_deliveries set ${ended(sql, "cancelled")}
    where id = ${id} and status = 'pending'
    returning ${columns(sql)}`;
  return row;
}

/** Cancels up to `limit` deliveries that wait for an endpoint; how many it were. */
export async function cancelWaitingOf(
  sql: Queryable,
  endpointId: string,
  limit: number,
): Promise<number> {
  const rows = await sql`
    with waiting as (
      select id from webhook_deliveries
      where endpoint_id = ${endpointId} and status = 'pending'
      order by id limit ${limit} for update skip locked
    )
    update webhook_deliveries
    set ${ended(sql, "cancelled")}, last_error = ${ENDPOINT_DELETED}
    where id = any (array(select id from waiting))`;
  return rows.count;
}

/** The columns of `Delivery`, under its names. */
export function columns(sql: Queryable) {
  return sql`
    webhook_deliveries.id, client_id as "clientId", endpoint_id as "endpointId", lead_id as "leadId",
    event_type as "eventType", webhook_url as "webhookUrl", format, status, attempt,
    max_attempts as "maxAttempts", response_status as "responseStatus",
    response_body as "responseBody", last_error as "lastError", error_type as "errorType",
    sent_at as "sentAt", next_retry_at as "nextRetryAt", delivered_at as "deliveredAt",
    created_at as "createdAt", updated_at as "updatedAt",
    is_test_delivery as "isTestDelivery", metadata`;
}
