/**
 * A worker's part in the outbox: it takes rows, is told of new ones where that works, and writes back
 * how their deliveries stand. All of it runs in every worker; who comes second finds nothing to do.
 */
import type { Loop } from "@webhook-delivery/shared/loop.ts";
import { startTask } from "../loops/loops.ts";
import type { Parts } from "../parts.ts";
import type { Listener } from "../listener.ts";
import { createMirror } from "./mirror.ts";
import { createTake, POLL_MS } from "./take.ts";

export interface OutboxWork {
  /** There are new rows. */
  nudgeTake(): void;
  /** Soon: more may come with it. */
  nudgeMirror(): void;
  stopTaking(): Promise<void>;
  stop(): Promise<void>;
}

/** `onTaken`: there are deliveries for the scheduler. */
export function startOutbox(parts: Parts, listener: Listener, onTaken: () => void): OutboxWork {
  const takeOnce = createTake({ ...parts, onTaken, isListening: () => listener.isListening() });
  const take: Loop = startTask({ name: "outbox", everyMs: POLL_MS, once: takeOrCheck }, parts);
  async function takeOrCheck(): Promise<number> {
    try {
      return await takeOnce();
    } catch (error) {
      // The database is away, most likely, and the listener's connection with it.
      listener.check();
      throw error;
    }
  }
  const mirror = createMirror(parts);
  return {
    nudgeTake: () => take.nudge(),
    nudgeMirror: () => mirror.nudge(),
    async stopTaking() {
      await take.stop();
    },
    stop: () => mirror.stop(),
  };
}
