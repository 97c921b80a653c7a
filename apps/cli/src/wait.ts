/**
 * Watching one delivery until nothing more happens to it. It asks often at first and then once a second.
 * A service that is away for a while (a deploy) does not end the waiting: the delivery is safe there.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt, Client, DeliveryWithAttempts } from "@webhook-delivery/client";
import { EXIT } from "./exit-codes.ts";
import { Failure, isPassing } from "./failure.ts";
import type { Setbacks } from "./setbacks.ts";
import { isFinished } from "./statuses.ts";
import { span } from "./text/times.ts";

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 1_000;
const SLOWER_BY = 1.5;
/** Kept for one more ask before time is up: what has just finished is not called unfinished. */
const LAST_ASK_MS = 100;
/** A timer can wait no longer: 24 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

export interface WaitOptions {
  readonly signal: AbortSignal;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** Hears of what it could not ask. */
  readonly setbacks: Setbacks;
}

/**
 * Asks until `isOver`; what was asked last. `ask` has to give up when its signal says so: it may be the
 * caller's or that of the time. `what`: for the message when time is up.
 */
export async function waitUntil<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  isOver: (answer: T) => boolean,
  { signal: interest, timeoutMs, setbacks, what }: WaitOptions & { readonly what: string },
): Promise<T> {
  if (timeoutMs === undefined) return askUntil(ask, isOver, { signal: interest, setbacks });
  const timeUp = AbortSignal.timeout(Math.min(Math.ceil(timeoutMs), LONGEST_TIMER_MS));
  const signal = AbortSignal.any([interest, timeUp]);
  try {
    return await askUntil(ask, isOver, { signal, setbacks, timeoutMs });
  } catch (error) {
    if (interest.aborted || !timeUp.aborted) throw error;
    const message = `${what} is not finished after ${span(timeoutMs)}.`;
    throw new Failure(EXIT.timeout, "timeout", message);
  }
}

async function askUntil<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  isOver: (answer: T) => boolean,
  {
    signal,
    setbacks,
    timeoutMs = Infinity,
  }: Pick<WaitOptions, "signal" | "setbacks"> & { readonly timeoutMs?: number },
): Promise<T> {
  const lastAskAt = performance.now() + timeoutMs - LAST_ASK_MS;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * SLOWER_BY)) {
    try {
      const answer = await ask(signal);
      setbacks.over();
      if (isOver(answer)) return answer;
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      setbacks.note(error);
    }
    const leftMs = lastAskAt - performance.now();
    await sleep(leftMs > 0 ? Math.min(waitMs, leftMs) : waitMs, undefined, { signal });
  }
}

/** `onAttempt` hears of every attempt that is new; `known`: so many are not. */
export function waitForDelivery(
  client: Client,
  id: string,
  {
    known = 0,
    onAttempt,
    ...options
  }: WaitOptions & {
    readonly known?: number;
    readonly onAttempt: (attempt: Attempt) => void;
  },
): Promise<DeliveryWithAttempts> {
  let told = known;
  return waitUntil(
    async (signal) => {
      const delivery = await client.deliveries.get(id, { signal });
      for (const attempt of delivery.attempts.slice(told)) onAttempt(attempt);
      told = Math.max(told, delivery.attempts.length);
      return delivery;
    },
    ({ status }) => isFinished(status),
    { ...options, what: `Delivery ${id}` },
  );
}
