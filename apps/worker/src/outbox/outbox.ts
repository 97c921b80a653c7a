/**
 * A worker's part in the outbox: it takes rows, is told of new ones where that works, and writes back
 * how their deliveries stand. All of it runs in every worker; who comes second finds nothing to do.
 */
import type { Loop } from "@webhook-delivery/shared/loop.ts";
import { startTask } from "../loops/loops.ts";
import type { Parts } from "../parts.ts";
import { createListener } from "./listener.ts";
import { createMirror } from "./mirror.ts";
import { createTake, FALLBACK_POLL_MS } from "./take.ts";

export interface OutboxWork {
  /** Soon: more may come with it. */
  nudgeMirror(): void;
  stopTaking(): Promise<void>;
  stop(): Promise<void>;
}

/** `onTaken`: there are deliveries for the sweep. */
export function startOutbox(parts: Parts, onTaken: () => void): OutboxWork {
  const listener = createListener(parts, () => take.nudge());
  const take: Loop = startTask(
    {
      name: "outbox",
      everyMs: FALLBACK_POLL_MS,
      once: createTake({ ...parts, onTaken, isListening: () => listener.isListening() }),
    },
    parts,
  );
  listener.start();
  const mirror = createMirror(parts);
  return {
    nudgeMirror: () => mirror.nudge(),
    async stopTaking() {
      await Promise.all([take.stop(), listener.stop()]);
    },
    stop: () => mirror.stop(),
  };
}
