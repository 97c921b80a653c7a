/**
 * Replays: past deliveries made again in the background, at a rate, in the order of acceptance.
 *
 * A step starts new rounds for the next few deliveries and moves the replay on in one transaction, so a
 * worker that dies leaves it done or undone, and any other goes on from there: each delivery is started
 * once. The scheduler takes the started rounds from there. A cancel holds from the moment it is
 * answered: a step that was under way then is undone.
 */
import { v7 as uuidv7 } from "uuid";
import { clientScope, type Caller } from "../core/caller.ts";
import { DomainError } from "../core/errors.ts";
import { isUuid } from "../core/ids.ts";
import { mostInAStep, takeForStep, waitAfterStepMs } from "../core/replay-pace.ts";
import { inTransaction, type Queryable, type Sql } from "../db/client.ts";
import { findTarget } from "../db/endpoint-targets.ts";
import {
  countMatches,
  insertReplay,
  listDueReplays,
  listNextMatches,
  recordReplayStep,
  takeDueReplay,
  type Replay,
  type ReplayFilter,
  type RunningReplay,
} from "../db/replays.ts";
import { startRounds } from "./new-round.ts";

export interface ReplayRequest extends Omit<ReplayFilter, "until"> {
  readonly caller: Caller;
  /** Null: until now. */
  readonly until: Date | null;
  readonly ratePerSecond: number;
  readonly now: Date;
}

/** Throws `endpoint_not_found`, `invalid_request`. */
export async function createReplay(sql: Sql, request: ReplayRequest): Promise<Replay> {
  const { caller, now, endpointId, since, ...wanted } = request;
  // Nothing that is accepted from now on: a replay never chases what comes in.
  const until = wanted.until !== null && wanted.until < now ? wanted.until : now;
  if (since >= until) {
    throw new DomainError("invalid_request", "There is no time between since and until.", [
      { field: "body.since", message: "must be before until, and in the past" },
    ]);
  }
  if (endpointId !== null) {
    const clientId = clientScope(caller) ?? wanted.clientId ?? undefined;
    const known = isUuid(endpointId) && (await findTarget(sql, { id: endpointId, clientId }));
    if (!known) {
      throw new DomainError("endpoint_not_found", "There is no such endpoint.", [
        { field: "body.endpointId", message: "unknown endpoint" },
      ]);
    }
  }
  return insertReplay(sql, { ...wanted, id: uuidv7(), endpointId, since, until });
}

/** In one pass of a worker. */
const MOST_DUE = 10;
/** At least so many are looked at in a step: passing over them is quick. */
const LOOKED_AT = 200;

/** One step of every replay that is due and in no other worker's hands; how many it were. */
export async function stepDueReplays(sql: Sql): Promise<number> {
  const due = await listDueReplays(sql, MOST_DUE);
  const errors: unknown[] = [];
  let steps = 0;
  for (const id of due) {
    try {
      if (await stepReplay(sql, id)) steps++;
    } catch (error) {
      // The others go on; this one is tried again in the next pass.
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return steps;
}

async function stepReplay(sql: Sql, id: string): Promise<boolean> {
  try {
    return await inTransaction(sql, async (tx) => {
      const replay = await takeDueReplay(tx, id);
      if (replay === undefined) return false;
      const step = replay.matched === null ? await count(tx, replay) : await start(tx, replay);
      if (!(await recordReplayStep(tx, replay, step))) throw new SupersededError();
      return true;
    });
  } catch (error) {
    if (error instanceof SupersededError) return false;
    throw error;
  }
}

/** The replay was cancelled while its step was under way, which is therefore undone. */
class SupersededError extends Error {
  override readonly name = "SupersededError";
}

async function count(tx: Queryable, replay: RunningReplay) {
  const matched = await countMatches(tx, replay);
  return { matched, waitMs: 0, isLast: matched === 0 };
}

async function start(tx: Queryable, replay: RunningReplay) {
  const { ratePerSecond } = replay;
  const most = mostInAStep(ratePerSecond);
  const limit = Math.max(most, LOOKED_AT);
  const matches = await listNextMatches(tx, replay, limit);
  const taken = takeForStep(matches, most);
  const startable = taken.filter(({ canStart }) => canStart);
  const started = startable.length === 0 ? [] : await startRounds(tx, startable);
  return {
    started: started.length,
    skipped: taken.length - started.length,
    position: taken.at(-1)?.id,
    waitMs: waitAfterStepMs(started.length, ratePerSecond),
    isLast: matches.length < limit && taken.length === matches.length,
  };
}
