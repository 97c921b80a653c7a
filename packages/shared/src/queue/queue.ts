/**
 * What carries permits from the scheduler to the workers, and wakes the scheduler. Two of a kind: BullMQ on
 * Redis (redis-queue.ts), or, without Redis, the leases themselves (postgres-queue.ts). One conformance
 * suite holds both (tests/queue).
 *
 * Nothing here is needed for correctness. What a queue loses is found again when its leases expire, and what
 * it delivers twice runs once, because the claim takes each lease once.
 */
import type { Permit } from "../core/permit.ts";
import type { Runner } from "./runner.ts";

export interface QueuedPermit extends Permit {
  /** 0: it may start now. */
  readonly delayMs: number;
}

export interface QueueProducer {
  /** Rejects within about a second when the queue is down, frozen or not there yet. */
  enqueue(permits: readonly QueuedPermit[]): Promise<void>;
  /**
   * Something waits for the scheduler. Returns at once and never throws; calls that come together are sent
   * as one. A wake that is lost costs the wait until the next round.
   */
  wake(): void;
  /** Undefined, or what keeps the queue from being used, in a sentence that names the mend. */
  check(): Promise<string | undefined>;
  /**
   * True once after the queue lost what it carried (it was emptied, or restarted without its data): whoever
   * is told is to revoke all leases. Rejects when the queue cannot be used.
   */
  hasLostEverything(): Promise<boolean>;
  close(): Promise<void>;
}

export interface ConsumerOptions {
  readonly runner: Runner;
  /** The scheduler is wanted. */
  readonly onWake: () => void;
  /** The queue is out of reach; mended without anyone's help. */
  readonly onError: (error: unknown) => void;
}

export interface QueueConsumer {
  /** As the producer's: what keeps it from taking anything. */
  check(): Promise<string | undefined>;
  /** Takes nothing new and resolves when everything that it took is done. */
  close(): Promise<void>;
}
