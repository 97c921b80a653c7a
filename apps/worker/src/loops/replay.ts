/** Goes on with the replays that are due; see dispatch/replay.ts. Workers share them. */
import { nextReplayStepInMs } from "@webhook-delivery/shared/db/replays.ts";
import { stepDueReplays } from "@webhook-delivery/shared/dispatch/replay.ts";
import type { Parts } from "../parts.ts";

/** How long a new replay waits for its first step at most. */
export const REPLAY_EVERY_MS = 1_000;
/** What is due and not ours is in another worker's hands. */
const WHILE_OTHERS_WORK_MS = 250;

export async function replayOnce({ sql }: Pick<Parts, "sql">): Promise<number> {
  const steps = await stepDueReplays(sql);
  const dueInMs = (await nextReplayStepInMs(sql)) ?? REPLAY_EVERY_MS;
  const atLeastMs = steps > 0 ? 0 : WHILE_OTHERS_WORK_MS;
  return Math.min(Math.max(dueInMs, atLeastMs), REPLAY_EVERY_MS);
}
