/**
 * Takes what waits in the outbox: rows that an application has inserted in its own transactions become
 * deliveries. Any number of workers and callers may take at once: each row is taken once, in the order
 * of insertion. When this returns the deliveries are committed and everything that holds for deliveries
 * holds for them.
 */
import { DomainError } from "../core/errors.ts";
import { refusalText } from "../core/outbox.ts";
import { isDatabaseUnavailable } from "../db/client.ts";
import { advanceLines } from "../db/order.ts";
import { isWaiting, putOff, recordTaken, type TakenMessage } from "../db/outbox.ts";
import { listDueIds } from "../db/outbox-locks.ts";
import { refuseUnstorable } from "../db/unstorable.ts";
import { takeBatch, type Batch, type BatchDeps, type BatchWanted } from "./outbox-batch.ts";

export interface OutboxDeps extends BatchDeps {
  /** What went wrong and will be made up for by itself. */
  readonly onSetback: (error: unknown, what: string) => void;
}

/** Rows in one transaction: few enough that others wait for them but a moment. */
export const ROWS_A_TAKE = 100;
const PUT_OFF_MS = 60_000;

export type Taken = Pick<Batch, "taken" | "hasMore">;

const NOTHING: Taken = { taken: [], hasMore: false };

/** Up to `limit` rows that are due, or fewer, in their order. */
export async function takeOutbox(
  deps: OutboxDeps,
  wanted: BatchWanted = { limit: ROWS_A_TAKE },
): Promise<Taken> {
  try {
    const due = await listDueIds(deps.sql, { ...wanted, limit: 1 });
    return due.length === 0 ? NOTHING : await takeAndMoveOn(deps, wanted);
  } catch (error) {
    if (passesByItself(error)) throw error;
    return takeOneByOne(deps, wanted);
  }
}

/**
 * True: this call took the row. Those that stand before it are taken with it, or it would overtake.
 * While another one takes this waits for nothing: a flood of calls would take all connections.
 */
export async function takeFromOutbox(deps: OutboxDeps, id: string): Promise<boolean> {
  if (!(await isWaiting(deps.sql, id))) return false;
  const { taken } = await takeOutbox(deps, { limit: ROWS_A_TAKE, upToId: id, waits: false });
  return taken.some((one) => one.id === id.toLowerCase());
}

async function takeAndMoveOn(deps: OutboxDeps, wanted: BatchWanted): Promise<Taken> {
  const { taken, hasMore, lines } = await takeBatch(deps, wanted);
  if (lines.size > 0) {
    await advanceLines(deps.sql, [...lines], null).catch((error: unknown) =>
      deps.onSetback(error, "a line was not moved on; the worker's sweep does it"),
    );
  }
  return { taken, hasMore };
}

/** One row has spoiled it for the others: each by itself, and that one later. */
async function takeOneByOne(deps: OutboxDeps, wanted: BatchWanted): Promise<Taken> {
  const taken: TakenMessage[] = [];
  for (const id of await listDueIds(deps.sql, wanted)) {
    try {
      const take = () => takeAndMoveOn(deps, { limit: 1, onlyId: id });
      taken.push(...(await refuseUnstorable(take)).taken);
    } catch (error) {
      if (passesByItself(error)) throw error;
      const refused = await setAside(deps, id, error);
      if (refused !== undefined) taken.push(refused);
    }
  }
  return { taken, hasMore: taken.length >= wanted.limit };
}

async function setAside(
  { sql, onSetback }: OutboxDeps,
  id: string,
  error: unknown,
): Promise<TakenMessage | undefined> {
  if (error instanceof DomainError) {
    const refused = { id, status: "failed", lastError: refusalText(error) } as const;
    await recordTaken(sql, [refused]);
    return refused;
  }
  onSetback(error, "a row of the outbox could not be taken; tried again in a minute");
  const lastError = "internal_error: The row could not be taken; it is tried again in a minute.";
  await putOff(sql, { id, lastError, waitMs: PUT_OFF_MS });
  return undefined;
}

// Deadlock and serialization (40), a statement that was cancelled.
const PASSING_STATES = /^(?:40|57014)/;

function passesByItself(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return isDatabaseUnavailable(error) || (typeof code === "string" && PASSING_STATES.test(code));
}
