/**
 * Takes the next rows of the outbox in one transaction: makes their deliveries, or new rounds of those
 * that they have already, and says in each row what became of it. What is wrong with one row fails that
 * row and nothing else. Killed halfway, nothing has happened and another worker takes them.
 */
import { DomainError } from "../core/errors.ts";
import { refuseDepth } from "../core/json-text.ts";
import { eventTypeOf, refusalText } from "../core/outbox.ts";
import { inTransaction, type Queryable } from "../db/client.ts";
import { insertDeliveries, type NewDelivery } from "../db/deliveries.ts";
import { findTarget } from "../db/endpoint-targets.ts";
import { lockLines, takeOrderNumbers } from "../db/order.ts";
import {
  listDeliveriesOf,
  recordTaken,
  type EarlierDelivery,
  type TakenMessage,
  type WaitingMessage,
} from "../db/outbox.ts";
import { holdOutbox, lockWaiting, type Wanted } from "../db/outbox-locks.ts";
import {
  buildRow,
  resolveDelivery,
  type AcceptDeps,
  type DeliveryRequest,
} from "./accept-delivery.ts";
import { startRounds } from "./new-round.ts";
import { publishMessage } from "./outbox-event.ts";
import { noSuchEndpoint } from "./register-endpoint.ts";

export interface BatchDeps extends Pick<
  AcceptDeps,
  "sql" | "encryptionKeys" | "defaultMaxAttempts"
> {
  /** As of a request. */
  readonly maxPayloadBytes: number;
}

export interface BatchWanted extends Pick<Wanted, "limit" | "onlyId" | "upToId"> {
  /** False: nothing is taken while another one takes. Default true. */
  readonly waits?: boolean;
}

export interface Batch {
  readonly taken: readonly TakenMessage[];
  readonly hasMore: boolean;
  /** Lines to move on, now that it is committed. */
  readonly lines: ReadonlySet<string>;
}

/** Bounds memory and the time for which others wait; whatever is larger comes alone. */
const MOST_BYTES = 4_000_000;
const MOST_DELIVERIES = 2_000;

export async function takeBatch(
  deps: BatchDeps,
  { waits = true, ...wanted }: BatchWanted,
): Promise<Batch> {
  const { maxPayloadBytes } = deps;
  return inTransaction(deps.sql, async (tx) => {
    if (!(await holdOutbox(tx, waits))) return { taken: [], hasMore: false, lines: new Set() };
    const found = await lockWaiting(tx, { ...wanted, maxBytes: MOST_BYTES, maxPayloadBytes });
    const { messages } = found;
    if (messages.length + found.tooLargeIds.length === 0) {
      return { taken: [], hasMore: false, lines: new Set() };
    }
    const earlier = await listEarlier(tx, messages);
    await lockLinesOf(tx, messages, [...earlier.values()].flat());
    const work: Work = { deps, tx, rows: [], lines: new Set(), fannedOut: 0 };
    const taken = found.tooLargeIds.map((id) => tooLarge(id, maxPayloadBytes));
    let left = messages.length;
    for (const message of messages) {
      if (work.rows.length + work.fannedOut >= MOST_DELIVERIES) break;
      taken.push(await takeOne(work, message, earlier.get(message.id) ?? []));
      left--;
    }
    if (work.rows.length > 0) await insertDeliveries(tx, work.rows);
    if (taken.length > 0) await recordTaken(tx, taken);
    return { taken, hasMore: found.hasMore || left > 0, lines: work.lines };
  });
}

interface Work {
  readonly deps: BatchDeps;
  readonly tx: Queryable;
  /** Deliveries to endpoints that were named, inserted together at the end. */
  readonly rows: NewDelivery[];
  readonly lines: Set<string>;
  /** Deliveries of events, which are inserted at once. */
  fannedOut: number;
}

function tooLarge(id: string, maxPayloadBytes: number): TakenMessage {
  const message = `The payload is larger than ${maxPayloadBytes} bytes (MAX_PAYLOAD_BYTES).`;
  return { id, status: "failed", lastError: refusalText({ code: "payload_too_large", message }) };
}

async function takeOne(
  work: Work,
  message: WaitingMessage,
  earlier: readonly EarlierDelivery[],
): Promise<TakenMessage> {
  try {
    const isUnderWay = await makeDeliveries(work, message, earlier);
    return { id: message.id, status: isUnderWay ? "queued" : "sent", lastError: null };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { id: message.id, status: "failed", lastError: refusalText(error) };
  }
}

/** False: there is nothing to deliver. */
async function makeDeliveries(
  work: Work,
  message: WaitingMessage,
  earlier: readonly EarlierDelivery[],
): Promise<boolean> {
  const { deps, tx, rows, lines } = work;
  if (earlier.length > 0) {
    for (const line of await startAgain(tx, earlier)) lines.add(line);
    return true;
  }
  refuseDepth(message.dataText);
  if (message.endpointId !== null) {
    const row = await rowToEndpoint(work, message, message.endpointId);
    if (row.orderNo !== null) lines.add(message.endpointId);
    rows.push(row);
    return true;
  }
  const published = await publishMessage(tx, message, deps.defaultMaxAttempts);
  for (const line of published.lines) lines.add(line);
  work.fannedOut += published.deliveries;
  return published.deliveries > 0;
}

/** As POST /webhook-delivery would, with the operator's or the client's key. */
async function rowToEndpoint(
  { deps, tx }: Work,
  message: WaitingMessage,
  endpointId: string,
): Promise<NewDelivery> {
  const { id: messageId, clientId, createdAt } = message;
  const target = await findTarget(tx, { id: endpointId, clientId: clientId ?? undefined });
  if (target === undefined) noSuchEndpoint();
  const resolved = resolveDelivery(requestFor(message, endpointId), {
    kind: "endpoint",
    ...target,
  });
  const { lineOf } = resolved;
  const [orderNo = null] = lineOf.length === 0 ? [] : await takeOrderNumbers(tx, lineOf);
  const outbox = { messageId, createdAt };
  return buildRow(deps, tx, { resolved, orderNo, queued: null, outbox });
}

function requestFor(message: WaitingMessage, endpointId: string): DeliveryRequest {
  const { clientId, dataText: payloadText } = message;
  return {
    caller: clientId === null ? { kind: "operator" } : { kind: "client", clientId },
    target: { kind: "endpoint", endpointId },
    content: { kind: "payload", payloadText, leadId: null },
    eventType: eventTypeOf(message),
    format: "auto",
    maxAttempts: null,
    metadataText: null,
    isTestDelivery: false,
    idempotency: null,
    leadChanges: null,
    campaignName: null,
    customFields: {},
  };
}

/** Those that did not succeed; all, if all did. What is under way goes on. */
async function startAgain(tx: Queryable, earlier: readonly EarlierDelivery[]): Promise<string[]> {
  const finished = earlier.filter(({ status }) => status !== "pending" && status !== "sent");
  const missed = finished.filter(({ status }) => status !== "success");
  const isAllGood = missed.length === 0 && finished.length === earlier.length;
  const chosen = isAllGood ? finished : missed;
  const started = chosen.length === 0 ? [] : await startRounds(tx, chosen, null);
  return started.flatMap(({ endpointId }) => endpointId ?? []);
}

async function listEarlier(tx: Queryable, messages: readonly WaitingMessage[]) {
  const again = messages.filter(({ isAskedAgain }) => isAskedAgain).map(({ id }) => id);
  const deliveries = again.length === 0 ? [] : await listDeliveriesOf(tx, again);
  return Map.groupBy(deliveries, ({ outboxMessageId }) => outboxMessageId);
}

async function lockLinesOf(
  tx: Queryable,
  messages: readonly WaitingMessage[],
  earlier: readonly EarlierDelivery[],
): Promise<void> {
  const endpointIds = [...messages, ...earlier].flatMap(({ endpointId }) => endpointId ?? []);
  const events = messages.filter(({ endpointId }) => endpointId === null);
  const clientIds = [...new Set(events.map(({ clientId }) => clientId))];
  await lockLines(tx, { endpointIds, clientIds });
}
