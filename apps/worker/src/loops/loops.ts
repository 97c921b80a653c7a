/**
 * What a worker does besides delivering, each a "once" with its pace. All of them run in every worker;
 * their statements see to it that one at a time does the work. Losing one costs time, never a delivery.
 */
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import { startLoop, type Loop } from "@webhook-delivery/shared/loop.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { OUTAGE_LOG_EVERY_MS, type Parts } from "../parts.ts";

interface BackgroundTask {
  readonly name: string;
  readonly everyMs: number;
  /** May return its own wait. */
  readonly once: (parts: Parts) => Promise<number | void>;
}

const TASKS: readonly BackgroundTask[] = [];

export function startBackgroundLoops(parts: Parts): readonly Loop[] {
  return TASKS.map(({ name, everyMs, once }) => {
    const onError = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) => {
      const level = isDatabaseUnavailable(error) ? "warn" : "error";
      parts.log[level](
        { event: "task.failed", task: name, err: error },
        "a task failed; trying on",
      );
    });
    return startLoop({ everyMs, once: () => once(parts), onError });
  });
}
