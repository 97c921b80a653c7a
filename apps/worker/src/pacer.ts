/**
 * Lets deliveries start at most `ratePerSecond` in any second, over all workers together.
 *
 * Every start has its own place in time, taken from one row in PostgreSQL, so the limit is the same on
 * both queue backends and only a delivery that really starts uses it up (BullMQ's limiter counts every
 * job that becomes active, and its fixed windows let twice the rate through across their edge).
 * A process that dies between taking a place and using it wastes that place.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseUnavailable, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { takeNextPlace, type Place } from "@webhook-delivery/shared/db/pace.ts";

export interface Pacer {
  /** Resolves at this delivery's place in time. */
  takeTurn(): Promise<void>;
}

export interface PacerDeps {
  readonly sql: Sql;
  /** 0: no limit. */
  readonly ratePerSecond: number;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
}

/**
 * Starts are spread over a little more than a second: on the wire they are later than their place by
 * what a connection and a busy machine take, and not always by the same.
 */
const SECOND_WITH_MARGIN_MS = 1_035;
/** Who wakes up later than this lets the place go: a start that is later than the margin crowds the next. */
const LATEST_START_MS = 20;
const RESERVE_RETRY_MS = 250;

export function createPacer(deps: PacerDeps): Pacer {
  if (deps.ratePerSecond === 0) return { takeTurn: async () => {} };
  const spacingMs = SECOND_WITH_MARGIN_MS / deps.ratePerSecond;
  const databaseClock = createClockEstimate(deps.monotonicNow);

  // The delivery is claimed already: it waits here for a database that is away.
  const takePlace = async (): Promise<Place> => {
    for (;;) {
      const askedAt = deps.monotonicNow();
      try {
        const place = await takeNextPlace(deps.sql, spacingMs);
        databaseClock.learn(place.takenAtMs, askedAt, deps.monotonicNow());
        return place;
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        await sleep(RESERVE_RETRY_MS);
      }
    }
  };

  return {
    async takeTurn() {
      for (;;) {
        const { startsAtMs } = await takePlace();
        const waitMs = startsAtMs - databaseClock.now();
        if (waitMs > 0) await sleep(waitMs);
        if (databaseClock.now() - startsAtMs <= LATEST_START_MS) return;
      }
    },
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
