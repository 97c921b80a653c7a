/**
 * Takes rows of the outbox each in a transaction of its own, after one of them has spoiled it for all. That
 * one is put off, for longer each time, and says so in its `last_error`; so nothing stands for ever
 * behind it. While the database is away nothing is put off.
 */
import { DomainError } from "../core/errors.ts";
import { refusalText } from "../core/outbox.ts";
import { putOff, recordTaken, type TakenMessage } from "../db/outbox.ts";
import { listDueIds } from "../db/outbox-locks.ts";
import { refuseUnstorable } from "../db/unstorable.ts";
import { takeBatch, type Batch, type BatchWanted, type OutboxDeps } from "./outbox-batch.ts";
import { CutOffError, passesByItself, requireDatabase } from "./outbox-faults.ts";

export async function takeOneByOne(
  deps: OutboxDeps,
  { waits = true, ...wanted }: BatchWanted,
): Promise<Pick<Batch, "taken" | "hasMore">> {
  const taken: TakenMessage[] = [];
  const ids = await listDueIds(deps.sql, wanted);
  let putOffCount = 0;
  for (const id of ids) {
    try {
      const one = await takeAlone(deps, { limit: 1, onlyId: id, waits });
      // The next row would overtake this one.
      if (one.isBusy) break;
      taken.push(...one.taken);
    } catch (error) {
      if (passesByItself(error)) throw error;
      const refused = await setAside(deps, id, error);
      if (refused === undefined) putOffCount++;
      else taken.push(refused);
    }
  }
  const moved = taken.length + putOffCount;
  return { taken, hasMore: ids.length >= wanted.limit && moved > 0 };
}

/** A connection can be lost for a reason of its own: only who loses it twice is at fault. */
async function takeAlone(deps: OutboxDeps, wanted: BatchWanted): Promise<Batch> {
  const take = async (): Promise<Batch> => refuseUnstorable(() => takeBatch(deps, wanted));
  try {
    return await take();
  } catch (error) {
    if (!(error instanceof CutOffError)) throw error;
    await requireDatabase(deps.sql);
    return take();
  }
}

/** Undefined: put off. */
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
  const isCutOff = error instanceof CutOffError;
  if (isCutOff) await requireDatabase(sql);
  onSetback(error, "a row of the outbox could not be taken; it is put off");
  const what = isCutOff ? "Taking the row was cut off twice" : "The row could not be taken";
  await putOff(sql, { id, lastError: `internal_error: ${what}; it is tried again.` });
  return undefined;
}
