/** How far a replay has come, in words. */
import type { Replay } from "@webhook-delivery/client";

type Progress = Pick<Replay, "state" | "matched" | "replayed" | "skipped">;

export function replayProgress({ state, matched, replayed, skipped }: Progress): string {
  const of = matched === null ? "" : ` of ${matched}`;
  const passedOver = skipped === 0 ? "" : `, ${skipped} passed over`;
  return `${state}: ${replayed}${of} started again${passedOver}`;
}
