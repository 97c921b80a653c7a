/**
 * What a worker does besides delivering, each a "once" with its pace. All of them run in every worker;
 * their statements see to it that one at a time does the work. Losing one costs time, never a delivery.
 */
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import { startLoop, type Loop } from "@webhook-delivery/shared/loop.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { OUTAGE_LOG_EVERY_MS, type Parts } from "../parts.ts";
import { UPKEEP_EVERY_MS, upkeepOnce } from "./destinations.ts";
import { publishOnce } from "./publish.ts";
import { REPLAY_EVERY_MS, replayOnce } from "./replay.ts";
import { RETENTION_EVERY_MS, retentionOnce } from "./retention.ts";
import { ROLLUP_EVERY_MS, rollupOnce } from "./rollup.ts";

export interface BackgroundTask {
  readonly name: string;
  readonly everyMs: number;
  /** May return its own wait. */
  readonly once: (parts: Parts) => Promise<number | void>;
}

const TASKS = [
  { name: "destinations", everyMs: UPKEEP_EVERY_MS, once: upkeepOnce },
  { name: "publish", everyMs: 1_000, once: publishOnce },
  { name: "replay", everyMs: REPLAY_EVERY_MS, once: replayOnce },
  { name: "retention", everyMs: RETENTION_EVERY_MS, once: retentionOnce },
  { name: "rollup", everyMs: ROLLUP_EVERY_MS, once: rollupOnce },
] as const satisfies readonly BackgroundTask[];

type TaskName = (typeof TASKS)[number]["name"];

export interface BackgroundLoops {
  /** Do it now. */
  nudge(task: TaskName): void;
  stop(): Promise<void>;
}

export function startBackgroundLoops(parts: Parts): BackgroundLoops {
  const loops = new Map(TASKS.map((task) => [task.name, startTask(task, parts)]));
  return {
    nudge: (task) => loops.get(task)?.nudge(),
    async stop() {
      await Promise.all([...loops.values()].map((loop) => loop.stop()));
    },
  };
}

export function startTask({ name, everyMs, once }: BackgroundTask, parts: Parts): Loop {
  const onError = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) => {
    const level = isDatabaseUnavailable(error) ? "warn" : "error";
    parts.log[level]({ event: "task.failed", task: name, err: error }, "a task failed; trying on");
  });
  return startLoop({ everyMs, once: () => once(parts), onError });
}
