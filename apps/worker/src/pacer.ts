/**
 * Lets deliveries start at most `ratePerSecond` in any second, over all workers together, and those of
 * an endpoint with a rate of its own at most so often.
 *
 * Every start has its own place in time, taken from rows in PostgreSQL, so the limit is the same on
 * both queue backends and only a delivery that really starts uses it up (BullMQ's limiter counts every
 * job that becomes active, and its fixed windows let twice the rate through across their edge).
 * A process that dies between taking a place and using it wastes that place.
 *
 * Starts come evenly. Those to slow or failing destinations are patient: they start in between, one
 * after the other, where they take nobody's place, and twice a second at least.
 */
import { setTimeout } from "node:timers/promises";
import {
  rateWindow,
  SECOND_WITH_MARGIN_MS,
  type RateWindow,
} from "@webhook-delivery/shared/core/rate-window.ts";
import { isDatabaseUnavailable, type Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  takeNextPlace,
  takeOwnPlace,
  takeSparePlace,
  type NoPlace,
  type Place,
} from "@webhook-delivery/shared/db/pace.ts";

export interface Turn {
  /**
   * `even`: as soon as its place comes. `look`: the same, but one of this process asks at a time, so that
   * a crowd of them takes no places in advance. `patient`: where nobody else wants to start.
   */
  readonly manner: "even" | "look" | "patient";
  /** Undefined: its endpoint has none. */
  readonly own: OwnRate | undefined;
}

interface OwnRate {
  readonly endpointId: string;
  readonly ratePerSecond: number;
}

export interface Pacer {
  /** Resolves at this delivery's place in time. False: the worker stops first. */
  takeTurn(turn: Turn): Promise<boolean>;
  /** Nobody's turn comes any more. */
  stop(): void;
}

export interface PacerDeps {
  readonly sql: Sql;
  /** 0: no limit. */
  readonly ratePerSecond: number;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
}

/** Who wakes up later than this lets the place go: a start that is later than the margin crowds the next. */
const LATEST_START_MS = 20;
const RESERVE_RETRY_MS = 250;
/** Who is patient and found no spare place for so long takes one among the others. */
const PATIENCE_MS = 500;
const LOOK_FOR_SPARE_EVERY_MS = 50;

export function createPacer(deps: PacerDeps): Pacer {
  const { sql, ratePerSecond, monotonicNow } = deps;
  const rate = ratePerSecond === 0 ? null : rateWindow(ratePerSecond);
  const databaseClock = createClockEstimate(monotonicNow);
  const stopping = new AbortController();
  const { signal } = stopping;
  const sleep = (ms: number): Promise<void> => setTimeout(ms, undefined, { signal });
  const onePatient = createMutex();
  const oneLook = createMutex();
  let patientStartedAt = -Infinity;

  // The delivery is claimed already: it waits here for a database that is away.
  const ask = async <T extends Place | NoPlace | undefined>(take: () => Promise<T>): Promise<T> => {
    for (;;) {
      signal.throwIfAborted();
      const askedAt = monotonicNow();
      try {
        const answer = await take();
        if (answer !== undefined) databaseClock.learn(answer.takenAtMs, askedAt, monotonicNow());
        return answer;
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        await sleep(RESERVE_RETRY_MS);
      }
    }
  };

  const waitUntil = async (databaseMs: number): Promise<void> => {
    const waitMs = databaseMs - databaseClock.now();
    if (waitMs > 0) await sleep(waitMs);
  };

  /** False: it was too late for its place and needs another one. */
  const startAt = async ({ startsAtMs }: Place): Promise<boolean> => {
    await waitUntil(startsAtMs);
    return databaseClock.now() - startsAtMs <= LATEST_START_MS;
  };

  const startNext = async (next: RateWindow): Promise<void> => {
    while (!(await startAt(await ask(() => takeNextPlace(sql, next)))));
  };

  const startOwn = async ({ endpointId: name, ratePerSecond: ownRate }: OwnRate): Promise<void> => {
    const own = { name, spacingMs: SECOND_WITH_MARGIN_MS / ownRate };
    for (;;) {
      const answer = await ask(() => takeOwnPlace(sql, own, rate));
      if ("readyAtMs" in answer) await waitUntil(answer.readyAtMs);
      else if (await startAt(answer)) return;
    }
  };

  const startPatiently = (next: RateWindow): Promise<void> =>
    onePatient(async () => {
      const since = monotonicNow();
      const earlyMs = patientStartedAt + next.spacingMs - since;
      if (earlyMs > 0) await sleep(earlyMs);
      while ((await ask(() => takeSparePlace(sql, next))) === undefined) {
        if (monotonicNow() - since >= PATIENCE_MS) {
          await startNext(next);
          break;
        }
        await sleep(LOOK_FOR_SPARE_EVERY_MS);
      }
      patientStartedAt = monotonicNow();
    });

  const start = ({ manner, own }: Turn): Promise<void> => {
    if (own !== undefined) return startOwn(own);
    if (rate === null) return Promise.resolve();
    if (manner === "patient") return startPatiently(rate);
    return manner === "look" ? oneLook(() => startNext(rate)) : startNext(rate);
  };

  return {
    async takeTurn(turn) {
      try {
        await start(turn);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        throw error;
      }
    },
    stop: () => stopping.abort(),
  };
}

/** One after the other, in the order in which they came. */
function createMutex() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

const ESTIMATE_LASTS_MS = 60_000;

/** The database's clock, read here: the quickest answer of the last minute tells it best. */
function createClockEstimate(monotonicNow: () => number) {
  let best = { offsetMs: 0, roundTripMs: Infinity, learnedAt: -Infinity };
  return {
    learn(databaseMs: number, askedAt: number, answeredAt: number): void {
      const roundTripMs = answeredAt - askedAt;
      const isOld = answeredAt - best.learnedAt > ESTIMATE_LASTS_MS;
      if (roundTripMs > best.roundTripMs && !isOld) return;
      const offsetMs = databaseMs - (askedAt + answeredAt) / 2;
      best = { offsetMs, roundTripMs, learnedAt: answeredAt };
    },
    now: () => monotonicNow() + best.offsetMs,
  };
}
