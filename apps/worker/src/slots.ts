/**
 * The slots of the two lanes, as an attempt sees its own. In the main lane an attempt that takes long goes
 * on without its slot, so that receivers that hang keep nobody waiting (core/lanes.ts). Those without a
 * slot are bounded; who comes later keeps its own.
 */
import { MOST_WITHOUT_SLOT, slotLastsMs, type Lane } from "@webhook-delivery/shared/core/lanes.ts";

export interface Slot {
  readonly lane: Lane;
  /** It is to be handed over after so long in flight. */
  lastsMs(typicalMs: number | undefined): number;
  /** Lets the next job have it, if that may be. */
  handOver(): void;
}

/** The side lane's: it has many, and an attempt keeps its own. */
export const SIDE_SLOT: Slot = { lane: "side", lastsMs: () => Infinity, handOver: () => {} };

export interface MainSlots {
  /** Resolves when the work is done, or goes on without a slot. */
  run(work: (slot: Slot) => Promise<void>): Promise<void>;
  /** Resolves when nothing is in flight without a slot. */
  close(): Promise<void>;
}

export interface SlotsDeps {
  readonly monotonicNow: () => number;
  /** What went on without a slot failed. */
  readonly onError: (error: Error) => void;
}

export function createMainSlots({ monotonicNow, onError }: SlotsDeps): MainSlots {
  const withoutSlot = new Set<Promise<void>>();
  let handedOverAt: number[] = [];

  return {
    async run(work) {
      const handedOver = Promise.withResolvers<true>();
      const slot: Slot = {
        lane: "main",
        lastsMs: (typicalMs) => slotLastsMs(typicalMs, handedOverAt, monotonicNow()),
        handOver() {
          if (withoutSlot.size >= MOST_WITHOUT_SLOT) return;
          handedOverAt = [...handedOverAt.slice(1 - MOST_WITHOUT_SLOT), monotonicNow()];
          handedOver.resolve(true);
        },
      };
      const working = work(slot);
      if ((await Promise.race([handedOver.promise, working])) !== true) return;
      const rest: Promise<void> = working.catch(onError).finally(() => withoutSlot.delete(rest));
      withoutSlot.add(rest);
    },
    async close() {
      await Promise.all(withoutSlot);
    },
  };
}
