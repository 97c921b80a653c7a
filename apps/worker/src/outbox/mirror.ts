/** Writes into the outbox how its deliveries stand; see packages/shared/src/db/outbox-mirror.ts. */
import { foldOutboxNotes, NOTES_A_STEP } from "@webhook-delivery/shared/db/outbox-mirror.ts";
import { startTask } from "../loops/loops.ts";
import type { Parts } from "../parts.ts";

/** For what changes elsewhere: cancelled, disabled, retried by hand. */
const MIRROR_EVERY_MS = 1_000;
/** After an attempt: attempts that end together share a step. */
const TOGETHER_MS = 50;
/** Rests this many times as long as it worked: a row with thousands of deliveries takes a while. */
const REST_FACTOR = 4;

export interface Mirror {
  nudge(): void;
  stop(): Promise<void>;
}

export function createMirror(parts: Parts): Mirror {
  let tookMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const loop = startTask(
    {
      name: "outbox-mirror",
      everyMs: MIRROR_EVERY_MS,
      async once({ sql }) {
        const startedAt = performance.now();
        const folded = await foldOutboxNotes(sql);
        tookMs = performance.now() - startedAt;
        return folded < NOTES_A_STEP ? MIRROR_EVERY_MS : 0;
      },
    },
    parts,
  );
  const fire = (): void => {
    timer = undefined;
    loop.nudge();
  };
  return {
    nudge() {
      timer ??= setTimeout(fire, Math.max(TOGETHER_MS, tookMs * REST_FACTOR));
    },
    async stop() {
      clearTimeout(timer);
      await loop.stop();
    },
  };
}
