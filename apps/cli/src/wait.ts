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

export interface WaitOptions {
  readonly signal: AbortSignal;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** Hears of what it could not ask. */
  readonly setbacks: Setbacks;
}

/** Asks until `isOver`; what was asked last. `what`: for the message when time is up. */
export async function waitUntil<T>(
  ask: () => Promise<T>,
  isOver: (answer: T) => boolean,
  { signal, timeoutMs, setbacks, what }: WaitOptions & { readonly what: string },
): Promise<T> {
  const deadline = performance.now() + (timeoutMs ?? Infinity);
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * SLOWER_BY)) {
    try {
      const answer = await ask();
      setbacks.over();
      if (isOver(answer)) return answer;
    } catch (error) {
      if (!isPassing(error)) throw error;
      setbacks.note(error);
    }
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) {
      throw new Failure(
        EXIT.timeout,
        "timeout",
        `${what} is not finished after ${span(timeoutMs ?? 0)}.`,
      );
    }
    await sleep(Math.min(waitMs, leftMs), undefined, { signal });
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
    async () => {
      const delivery = await client.deliveries.get(id, { signal: options.signal });
      for (const attempt of delivery.attempts.slice(told)) onAttempt(attempt);
      told = Math.max(told, delivery.attempts.length);
      return delivery;
    },
    ({ status }) => isFinished(status),
    { ...options, what: `Delivery ${id}` },
  );
}
