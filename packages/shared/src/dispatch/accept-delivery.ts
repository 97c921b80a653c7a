/**
 * Takes a delivery in: checks it, writes its row, hands it to the queue.
 *
 * When this returns the row is committed and the delivery will be made or its failure shown, whatever
 * dies next. When it throws, nothing was written. The queue is told after the commit and not waited
 * for: a queue that is down costs no time here.
 */
import { createHash, randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { DomainError } from "../core/errors.ts";
import { parseDestination, type DestinationRules } from "../core/destination-url.ts";
import { FORMATS, resolveFormat, type RequestedFormat } from "../core/formats/registry.ts";
import { subjectText, type Subject } from "../core/formats/format.ts";
import { timeOfId } from "../core/ids.ts";
import { SAMPLE_LEAD } from "../core/lead.ts";
import { checkSigningSecret } from "../core/signing.ts";
import { NONCE_BYTES, seal, secretPlace, type EncryptionKey } from "../core/secret-box.ts";
import { inTransaction, type Queryable, type Sql } from "../db/client.ts";
import {
  findDeliveryByIdempotencyKey,
  insertDelivery,
  type Delivery,
  type NewDelivery,
} from "../db/deliveries.ts";
import { findLead, upsertLead, type LeadChanges } from "../db/leads.ts";
import type { DirectEnqueue } from "./direct-enqueue.ts";

export interface AcceptDeps {
  readonly sql: Sql;
  readonly directEnqueue: DirectEnqueue;
  readonly destinationRules: DestinationRules;
  readonly encryptionKeys: readonly [EncryptionKey, ...EncryptionKey[]];
  readonly defaultMaxAttempts: number;
}

/** `…Text` is JSON as the caller spelled it. */
export interface DeliveryRequest {
  readonly webhookUrl: string;
  readonly webhookSecret: string | null;
  readonly content:
    | { readonly kind: "sample" }
    | { readonly kind: "payload"; readonly payloadText: string; readonly leadId: string | null }
    | { readonly kind: "lead"; readonly leadId: string };
  readonly leadChanges: { readonly leadId: string; readonly changes: LeadChanges } | null;
  readonly campaignName: string | null;
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly eventType: string;
  readonly format: RequestedFormat;
  readonly maxAttempts: number | null;
  readonly metadataText: string | null;
  readonly idempotency: { readonly key: string; readonly requestText: string } | null;
}

export interface Accepted {
  readonly delivery: Delivery;
  /** True: an earlier request with this idempotency key had made it. */
  readonly isReplay: boolean;
}

export async function acceptDelivery(
  deps: AcceptDeps,
  request: DeliveryRequest,
): Promise<Accepted> {
  const idempotency = request.idempotency && {
    key: request.idempotency.key,
    hash: createHash("sha256").update(request.idempotency.requestText).digest(),
  };
  const earlier = idempotency && (await findEarlier(deps.sql, idempotency));
  if (earlier) return earlier;

  const delivery = await writeRow(deps, request, idempotency);
  if (delivery !== undefined) return { delivery, isReplay: false };

  const winner = idempotency && (await findEarlier(deps.sql, idempotency));
  if (winner) return winner;
  throw new Error("a delivery was refused by a key that cannot be found");
}

type Idempotency = NewDelivery["idempotency"];

async function findEarlier(
  sql: Sql,
  { key, hash }: NonNullable<Idempotency>,
): Promise<Accepted | undefined> {
  const found = await findDeliveryByIdempotencyKey(sql, key);
  if (found === undefined) return undefined;
  const { idempotencyHash, ...delivery } = found;
  if (idempotencyHash.equals(hash)) return { delivery, isReplay: true };
  throw new DomainError(
    "idempotency_conflict",
    "This Idempotency-Key was used for a request with another body.",
    [{ field: "headers.idempotency-key", message: `belongs to delivery ${delivery.id}` }],
  );
}

/** Undefined when another request with the same idempotency key was faster. */
async function writeRow(
  deps: AcceptDeps,
  request: DeliveryRequest,
  idempotency: Idempotency,
): Promise<Delivery | undefined> {
  const destination = parseDestination(request.webhookUrl, deps.destinationRules);
  if (request.webhookSecret !== null) checkSigningSecret(request.webhookSecret);
  const id = uuidv7();
  const queuedForMs = deps.directEnqueue.reserve();

  const insert = async (sql: Queryable): Promise<Delivery | undefined> => {
    const createdAt = timeOfId(id);
    const subject = await loadSubject(sql, request);
    const format = resolveFormat(request.format);
    return insertDelivery(sql, {
      id,
      leadId: request.content.kind === "sample" ? null : request.content.leadId,
      eventType: request.eventType,
      webhookUrl: destination.href,
      payloadText: subjectText(subject),
      body: FORMATS[format]({
        eventType: request.eventType,
        timestamp: createdAt.toISOString(),
        subject,
      }),
      format,
      secretEncrypted: sealSecret(deps, id, request.webhookSecret),
      maxAttempts: request.maxAttempts ?? deps.defaultMaxAttempts,
      isTestDelivery: request.content.kind === "sample",
      metadataText: request.metadataText,
      createdAt,
      idempotency,
      queuedForMs,
    });
  };

  // A lead that came along is written with its delivery or not at all.
  const delivery = await refuseUnstorable(() =>
    request.leadChanges === null ? insert(deps.sql) : inTransaction(deps.sql, insert),
  );
  if (delivery !== undefined && queuedForMs > 0) deps.directEnqueue.enqueue(id);
  return delivery;
}

// SQLSTATE class 22, data exception: JSON allows numbers that PostgreSQL's numeric does not hold.
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

async function refuseUnstorable<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !DATA_EXCEPTION.test(code)) throw error;
    throw new DomainError("invalid_request", "A value in the request cannot be stored.", [
      { field: "body", message: "a number or a time is out of PostgreSQL's range" },
    ]);
  }
}

async function loadSubject(sql: Queryable, request: DeliveryRequest): Promise<Subject> {
  const { content, leadChanges, campaignName, customFields } = request;
  const changed = leadChanges && (await upsertLead(sql, leadChanges.leadId, leadChanges.changes));
  switch (content.kind) {
    case "payload":
      return { kind: "payload", payloadText: content.payloadText };
    case "sample":
      return { kind: "lead", lead: SAMPLE_LEAD, campaignName, customFields };
    case "lead": {
      const lead = changed ?? (await findLead(sql, content.leadId));
      if (lead) return { kind: "lead", lead, campaignName, customFields };
      throw new DomainError(
        "lead_not_found",
        `There is no lead "${content.leadId}"; send it along as "lead", or send a "payload".`,
        [{ field: "body.leadId", message: "unknown lead" }],
      );
    }
  }
}

function sealSecret(deps: AcceptDeps, id: string, secret: string | null): Buffer | null {
  if (secret === null) return null;
  return seal(deps.encryptionKeys, secretPlace(id), secret, randomBytes(NONCE_BYTES));
}
