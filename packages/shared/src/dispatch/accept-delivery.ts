/**
 * Takes a delivery in: checks it, writes its row, wakes the scheduler.
 *
 * When this returns the row is committed and the delivery will be made or its failure shown, whatever
 * dies next. When it throws, nothing was written. The scheduler is woken after the commit and not waited
 * for: a queue that is down costs no time here.
 */
import { createHash } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { ownerOf, clientScope, type Caller } from "../core/caller.ts";
import { DomainError, type ErrorDetail } from "../core/errors.ts";
import {
  FORMATS,
  resolveFormat,
  type FormatName,
  type RequestedFormat,
} from "../core/formats/registry.ts";
import { subjectText } from "../core/formats/format.ts";
import { timeOfId } from "../core/ids.ts";
import type { EncryptionKey } from "../core/secret-box.ts";
import { inTransaction, type Queryable } from "../db/client.ts";
import {
  findDeliveryByIdempotencyKey,
  insertDeliveries,
  type Delivery,
  type NewDelivery,
} from "../db/deliveries.ts";
import { takeOrderNumbers } from "../db/order.ts";
import { refuseUnstorable } from "../db/unstorable.ts";
import { moveLinesOn, type LineDeps } from "./lines.ts";
import { loadSubject, type RequestedSubject } from "./subject.ts";
import {
  findRequestedTarget,
  sealOwnSecret,
  type RequestedTarget,
  type Target,
  type TargetDeps,
} from "./target.ts";

export interface AcceptDeps extends TargetDeps, LineDeps {
  /** insertDeliveries of one, which may share its statement with others. */
  readonly insert: (delivery: NewDelivery) => Promise<Delivery | undefined>;
  readonly encryptionKeys: readonly [EncryptionKey, ...EncryptionKey[]];
  readonly defaultMaxAttempts: number;
}

/** `…Text` is JSON as the caller spelled it. */
export interface DeliveryRequest extends RequestedSubject {
  readonly caller: Caller;
  readonly target: RequestedTarget;
  readonly eventType: string;
  readonly format: RequestedFormat;
  readonly maxAttempts: number | null;
  readonly metadataText: string | null;
  readonly isTestDelivery: boolean;
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
  const target = await findRequestedTarget(deps, request.target, clientScope(request.caller));
  const resolved = resolveDelivery(request, target);
  return (await findEarlier(deps, resolved)) ?? writeDelivery(deps, resolved);
}

/** A request and what it comes to. */
export interface Resolved {
  readonly request: DeliveryRequest;
  readonly target: Target;
  readonly clientId: string | null;
  readonly idempotency: NewDelivery["idempotency"];
  /** The ordered endpoint, if any, in whose line it waits: one or none. */
  readonly lineOf: readonly string[];
}

export function resolveDelivery(request: DeliveryRequest, target: Target): Resolved {
  const { caller, idempotency, isTestDelivery } = request;
  const isEndpoint = target.kind === "endpoint";
  // A test is made now: it says nothing that would have to come after anything else.
  const waitsInLine = isEndpoint && target.ordered && target.enabled && !isTestDelivery;
  return {
    request,
    target,
    clientId: isEndpoint ? target.clientId : ownerOf(caller),
    idempotency: idempotency && {
      key: idempotency.key,
      hash: createHash("sha256").update(idempotency.requestText).digest(),
    },
    lineOf: waitsInLine ? [target.id] : [],
  };
}

/** What an earlier request with the same key made. Throws `idempotency_conflict`. */
export async function findEarlier(
  { sql }: Pick<AcceptDeps, "sql">,
  { idempotency, clientId }: Resolved,
): Promise<Accepted | undefined> {
  if (idempotency === null) return undefined;
  const { key, hash } = idempotency;
  const found = await findDeliveryByIdempotencyKey(sql, { key, clientId });
  if (found === undefined) return undefined;
  const { idempotencyHash, ...delivery } = found;
  if (idempotencyHash.equals(hash)) return { delivery, isReplay: true };
  throw new DomainError(
    "idempotency_conflict",
    "This Idempotency-Key was used for a request with another body.",
    [{ field: "headers.idempotency-key", message: `belongs to delivery ${delivery.id}` }],
  );
}

/** For one that had no row with its key a moment ago. */
export async function writeDelivery(deps: AcceptDeps, resolved: Resolved): Promise<Accepted> {
  const delivery = await writeRow(deps, resolved);
  return delivery === undefined ? findWinner(deps, resolved) : { delivery, isReplay: false };
}

/** Another request with the same key was faster. */
export async function findWinner(deps: AcceptDeps, resolved: Resolved): Promise<Accepted> {
  const winner = await findEarlier(deps, resolved);
  if (winner !== undefined) return winner;
  throw new Error("a delivery was refused by a key that cannot be found");
}

async function writeRow(deps: AcceptDeps, resolved: Resolved): Promise<Delivery | undefined> {
  const { request, lineOf } = resolved;
  const write = async (tx: Queryable): Promise<Delivery | undefined> => {
    const [orderNo = null] = lineOf.length === 0 ? [] : await takeOrderNumbers(tx, lineOf);
    const row = await buildRow(deps, tx, { resolved, orderNo });
    const [delivery] = await insertDeliveries(tx, [row]);
    return delivery;
  };
  // A lead that came along, or a place in a line, is written with its delivery or not at all.
  const needsTransaction = request.leadChanges !== null || lineOf.length > 0;
  const delivery = await refuseUnstorable(async () =>
    needsTransaction
      ? inTransaction(deps.sql, write)
      : deps.insert(await buildRow(deps, deps.sql, { resolved, orderNo: null })),
  );
  if (delivery?.status === "pending") await moveLinesOn(deps, lineOf);
  return delivery;
}

interface RowParts {
  readonly resolved: Resolved;
  readonly orderNo: number | null;
  /** The row of the outbox that asked for it, and when it was written. */
  readonly outbox?: { readonly messageId: string; readonly createdAt: Date };
}

/** Writes the lead that came along; throws `lead_not_found`. */
export async function buildRow(
  deps: Pick<AcceptDeps, "encryptionKeys" | "defaultMaxAttempts">,
  sql: Queryable,
  { resolved, orderNo, outbox }: RowParts,
): Promise<NewDelivery> {
  const { request, target, clientId, idempotency } = resolved;
  const subject = await loadSubject(sql, request, clientId);
  const id = uuidv7();
  const createdAt = timeOfId(id);
  const endpoint = target.kind === "endpoint" ? target : undefined;
  const asked = request.format === "auto" ? (endpoint?.format ?? "auto") : request.format;
  const format = resolveFormat(asked, target.url);
  const { eventType } = request;
  const written = FORMATS[format].write({
    eventType,
    timestamp: (outbox?.createdAt ?? createdAt).toISOString(),
    subject,
  });
  if (written.misfit !== undefined) refuseMisfit(format, written.misfit);
  if (request.content.kind === "example") refuseExampleToPeople(format);
  return {
    id,
    clientId,
    endpointId: endpoint?.id ?? null,
    leadId: request.content.kind === "sample" ? null : request.content.leadId,
    eventId: null,
    eventType,
    webhookUrl: target.url,
    content: { payloadText: subjectText(subject), body: written.text },
    format,
    secretEncrypted: sealOwnSecret(deps.encryptionKeys, id, target),
    maxAttempts: request.maxAttempts ?? endpoint?.maxAttempts ?? deps.defaultMaxAttempts,
    hasOwnMaxAttempts: request.maxAttempts !== null || endpoint === undefined,
    isTestDelivery: request.isTestDelivery,
    metadataText: request.metadataText,
    createdAt,
    idempotency,
    orderNo,
    isEndpointDisabled: endpoint?.enabled === false && !request.isTestDelivery,
    outboxMessageId: outbox?.messageId ?? null,
  };
}

/** A caller that waits for an answer is told at once what the receiver would refuse. */
function refuseMisfit(format: FormatName, detail: ErrorDetail): never {
  throw new DomainError(
    "invalid_payload",
    `This cannot be sent in the format "${format}": ${detail.message}.`,
    [detail],
  );
}

function refuseExampleToPeople(format: FormatName): void {
  if (FORMATS[format].reachesPeople !== true) return;
  const problem = "a test needs one here: an example would be sent to a made-up person";
  throw new DomainError("invalid_payload", `In the format "${format}" ${problem}.`, [
    { field: "body.payload", message: problem },
  ]);
}
