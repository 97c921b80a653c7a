/**
 * A sliding-window rate limiter: lets deliveries start at most `ratePerSecond` in any second, over all
 * workers together, and those of an endpoint with a rate of its own at most so often.
 *
 * Every start is reserved in rows in PostgreSQL, so the limit is the same on both queues and only a delivery
 * that really starts uses it up (BullMQ's limiter counts every job that becomes active, and its fixed windows
 * let twice the rate through across their edge). A process that dies between a reservation and its start
 * wastes that reservation.
 *
 * Normal starts come evenly. Low ones (slow or failing destinations) start in between, one after the other,
 * where nobody else wants to start, and twice a second at least.
 */
import { setTimeout } from "node:timers/promises";
import type { PermitKind } from "@webhook-delivery/shared/core/permit.ts";
import {
  rateWindow,
  SECOND_WITH_MARGIN_MS,
  type RateWindow,
} from "@webhook-delivery/shared/core/rate-window.ts";
import { isDatabaseUnavailable, type Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  moveStartToNow,
  reserveEndpointStart,
  reserveIdleStart,
  reserveStart,
  type NoReservation,
  type StartReservation,
} from "@webhook-delivery/shared/db/start-reservations.ts";

export interface StartRequest {
  /**
   * `normal`: as soon as there is a start. `trial`: the same, but one of this process asks at a time, so that
   * a crowd of them reserves nothing in advance. `low`, `probe`: where nobody else wants to start.
   */
  readonly kind: PermitKind;
  /** Undefined: its endpoint has no rate of its own. */
  readonly endpointRate: EndpointRate | undefined;
}

interface EndpointRate {
  readonly endpointId: string;
  readonly ratePerSecond: number;
}

export interface RateLimiter {
  /** Resolves when the delivery is to start. False: the worker stops first. */
  acquire(request: StartRequest): Promise<boolean>;
  /** Nothing starts any more. */
  stop(): void;
}

export interface RateLimiterDeps {
  readonly sql: Sql;
  /** 0: no limit. */
  readonly ratePerSecond: number;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
}

/**
 * Who wakes up later than this moves its reservation to now: a start that is later than the margin would crowd
 * the next. On a small machine every other wake-up is that late, so the reservation must not be lost by it.
 */
const LATEST_START_MS = 20;
const RESERVE_RETRY_MS = 250;
/** A low one that found no idle start for so long takes one among the others. */
const PATIENCE_MS = 500;
const LOOK_FOR_IDLE_EVERY_MS = 50;

export function createRateLimiter(deps: RateLimiterDeps): RateLimiter {
  const { sql, ratePerSecond, monotonicNow } = deps;
  const rate = ratePerSecond === 0 ? null : rateWindow(ratePerSecond);
  const databaseClock = createClockEstimate(monotonicNow);
  const stopping = new AbortController();
  const { signal } = stopping;
  const sleep = (ms: number): Promise<void> => setTimeout(ms, undefined, { signal });
  const oneLow = createMutex();
  const oneTrial = createMutex();
  let lowStartedAt = -Infinity;

  // The delivery is claimed already: it waits here for a database that is away.
  const ask = async <T extends StartReservation | NoReservation | undefined>(
    reserve: () => Promise<T>,
  ): Promise<T> => {
    for (;;) {
      signal.throwIfAborted();
      const askedAt = monotonicNow();
      try {
        const answer = await reserve();
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

  /** False: it is too late for its reservation. */
  const isInTime = async ({ startsAtMs }: StartReservation): Promise<boolean> => {
    await waitUntil(startsAtMs);
    return databaseClock.now() - startsAtMs <= LATEST_START_MS;
  };

  const startNext = async (window: RateWindow): Promise<void> => {
    let reserved = await ask(() => reserveStart(sql, window));
    while (!(await isInTime(reserved))) {
      const late = reserved;
      reserved =
        (await ask(() => moveStartToNow(sql, window, late))) ??
        (await ask(() => reserveStart(sql, window)));
    }
  };

  const startAtEndpointRate = async (of: EndpointRate): Promise<void> => {
    const own = { name: of.endpointId, spacingMs: SECOND_WITH_MARGIN_MS / of.ratePerSecond };
    for (;;) {
      const answer = await ask(() => reserveEndpointStart(sql, own, rate));
      if ("readyAtMs" in answer) await waitUntil(answer.readyAtMs);
      else if (await isInTime(answer)) return;
    }
  };

  const startWhereIdle = (window: RateWindow): Promise<void> =>
    oneLow(async () => {
      const since = monotonicNow();
      const earlyMs = lowStartedAt + window.spacingMs - since;
      if (earlyMs > 0) await sleep(earlyMs);
      while ((await ask(() => reserveIdleStart(sql, window))) === undefined) {
        if (monotonicNow() - since >= PATIENCE_MS) {
          await startNext(window);
          break;
        }
        await sleep(LOOK_FOR_IDLE_EVERY_MS);
      }
      lowStartedAt = monotonicNow();
    });

  const start = async ({ kind, endpointRate }: StartRequest): Promise<void> => {
    if (endpointRate !== undefined) return startAtEndpointRate(endpointRate);
    if (rate === null) return;
    switch (kind) {
      case "normal":
        return startNext(rate);
      case "trial":
        return oneTrial(() => startNext(rate));
      case "low":
      case "probe":
        return startWhereIdle(rate);
    }
  };

  return {
    async acquire(request) {
      try {
        await start(request);
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
