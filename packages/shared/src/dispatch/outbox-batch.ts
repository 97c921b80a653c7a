/**
 * Takes the next rows of the outbox in one transaction: makes their deliveries, or new rounds of those
 * that they have already, and says in each row what became of it. What is wrong with one row fails that
 * row and nothing else. Killed halfway, nothing has happened and another worker takes them.
 */
import { DomainError } from "../core/errors.ts";
import { refuseDepth } from "../core/json-text.ts";
import { refusalText } from "../core/outbox.ts";
import { inTransaction, type Queryable, type Sql } from "../db/client.ts";
import { advanceLines, lockLines } from "../db/order.ts";
import {
  listDeliveriesOf,
  recordTaken,
  type EarlierDelivery,
  type TakenMessage,
  type WaitingMessage,
} from "../db/outbox.ts";
import { holdOutbox, lockWaiting, type Wanted } from "../db/outbox-locks.ts";
import { startRounds } from "./new-round.ts";
import {
  toEndpoint,
  writeInLine,
  type BuildParts,
  type UnwrittenDelivery,
} from "./outbox-endpoint.ts";
import { tellCutOff } from "./outbox-faults.ts";
import { publishMessage } from "./outbox-event.ts";
import { lookUpFor } from "./outbox-lookups.ts";

type OwnDeps = BuildParts["deps"];

export interface OutboxDeps extends OwnDeps {
  readonly sql: Sql;
  /** As of a request. */
  readonly maxPayloadBytes: number;
  /** What went wrong and will be made up for by itself. */
  readonly onSetback: (error: unknown, what: string) => void;
}

export interface BatchWanted extends Pick<Wanted, "limit" | "onlyId" | "upToId"> {
  /** False: nothing is taken while another one takes. Default true. */
  readonly waits?: boolean;
}

export interface Batch {
  readonly taken: readonly TakenMessage[];
  readonly hasMore: boolean;
  /** Nothing was taken because another one takes. */
  readonly isBusy: boolean;
}

/** Bounds memory and the time for which others wait; whatever is larger comes alone. */
const MOST_BYTES = 4_000_000;
const MOST_DELIVERIES = 2_000;
/** Ends well before PostgreSQL takes a busy process for a frozen one (outbox-locks.ts). */
const MOST_MS = 2_000;

const NOTHING = { taken: [], hasMore: false, isBusy: false, lines: new Set<string>() } as const;

export async function takeBatch(
  deps: OutboxDeps,
  { waits = true, ...wanted }: BatchWanted,
): Promise<Batch> {
  const { lines, ...batch } = await tellCutOff((onBegun) =>
    inTransaction(deps.sql, async (tx) => {
      onBegun();
      if (!(await holdOutbox(tx, waits))) return { ...NOTHING, isBusy: true };
      return takeLocked(deps, tx, wanted);
    }),
  );
  if (lines.size > 0) {
    await advanceLines(deps.sql, [...lines]).catch((error: unknown) =>
      deps.onSetback(error, "a line was not moved on; the scheduler does it"),
    );
  }
  return batch;
}

async function takeLocked(deps: OutboxDeps, tx: Queryable, wanted: Omit<BatchWanted, "waits">) {
  const { maxPayloadBytes } = deps;
  const found = await lockWaiting(tx, { ...wanted, maxBytes: MOST_BYTES, maxPayloadBytes });
  const { messages } = found;
  if (messages.length + found.tooLargeIds.length === 0) return NOTHING;
  const earlier = await listEarlier(tx, messages);
  await lockLinesOf(tx, messages, [...earlier.values()].flat());
  const lookups = await lookUpFor(tx, messages);
  const work: Work = { deps, tx, lookups, unwritten: [], lines: new Set(), made: 0 };
  const taken = found.tooLargeIds.map((id) => tooLarge(id, maxPayloadBytes));
  const until = performance.now() + MOST_MS;
  let left = messages.length;
  for (const message of messages) {
    if (work.made >= MOST_DELIVERIES || performance.now() >= until) break;
    taken.push(await takeOne(work, message, earlier.get(message.id) ?? []));
    left--;
  }
  await writeOut(work);
  if (taken.length > 0) await recordTaken(tx, taken);
  return { taken, hasMore: found.hasMore || left > 0, isBusy: false, lines: work.lines };
}

interface Work extends BuildParts {
  readonly deps: OutboxDeps;
  /** Deliveries to endpoints that were named, since the last row of another kind. */
  unwritten: UnwrittenDelivery[];
  readonly lines: Set<string>;
  /** Deliveries of all kinds. */
  made: number;
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
  const { tx, lookups, lines } = work;
  if (earlier.length > 0) {
    await writeOut(work);
    for (const line of await startAgain(tx, earlier)) lines.add(line);
    return true;
  }
  refuseDepth(message.dataText);
  if (message.endpointId !== null) {
    work.unwritten.push(await toEndpoint(work, message, message.endpointId));
    work.made++;
    return true;
  }
  await writeOut(work);
  const { defaultMaxAttempts } = work.deps;
  const published = await publishMessage({ tx, lookups, defaultMaxAttempts }, message);
  for (const line of published.lines) lines.add(line);
  work.made += published.deliveries;
  return published.deliveries > 0;
}

/** Before anything else gets a place in a line, or it would overtake. */
async function writeOut(work: Work): Promise<void> {
  const { unwritten } = work;
  work.unwritten = [];
  for (const line of await writeInLine(work.tx, unwritten)) work.lines.add(line);
}

/** Those that did not succeed; all, if all did. What is under way goes on. */
async function startAgain(tx: Queryable, earlier: readonly EarlierDelivery[]): Promise<string[]> {
  const finished = earlier.filter(({ status }) => status !== "pending" && status !== "sent");
  const missed = finished.filter(({ status }) => status !== "success");
  const isAllGood = missed.length === 0 && finished.length === earlier.length;
  const chosen = isAllGood ? finished : missed;
  const started = chosen.length === 0 ? [] : await startRounds(tx, chosen);
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
