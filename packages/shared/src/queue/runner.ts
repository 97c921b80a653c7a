/** Runs permits in the slots of this process, wherever they come from. */
import type { Permit } from "../core/permit.ts";

export interface Runner {
  readonly slots: number;
  /** Slots that are free now. */
  room(): number;
  /** Never rejects. */
  run(permit: Permit): Promise<void>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

export interface RunnerOptions {
  readonly slots: number;
  /** When it throws, the permit is gone and its lease expires. */
  readonly run: (permit: Permit) => Promise<void>;
  readonly onFailed: (error: unknown) => void;
}

export function createRunner({ slots, run, onFailed }: RunnerOptions): Runner {
  const running = new Set<Promise<void>>();
  return {
    slots,
    room: () => Math.max(0, slots - running.size),
    run(permit) {
      const work: Promise<void> = run(permit)
        .catch(onFailed)
        .finally(() => running.delete(work));
      running.add(work);
      return work;
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
