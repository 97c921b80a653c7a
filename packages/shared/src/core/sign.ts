/** What an attempt's result says about the destination as a whole. */
import type { AttemptResult } from "./attempt-result.ts";
import type { Sign } from "./circuit.ts";
import { isTemporary } from "./reading.ts";
import { requestedWaitMs } from "./retry.ts";

/** Undefined: nothing, we did not get as far as the receiver. */
export function signOf(result: AttemptResult, now: Date): Sign | undefined {
  switch (result.kind) {
    case "timeout":
    case "network":
      return { kind: "ill", reason: result.kind, isThrottled: false, pauseMs: 0 };
    case "response": {
      const { status } = result;
      if (!concernsAll(result)) return { kind: "well" };
      const pauseMs = requestedWaitMs(result, now);
      // 408 and 425 say that this request came badly, not that there are too many.
      const isThrottled = pauseMs > 0 || (status < 500 && status !== 408 && status !== 425);
      return { kind: "ill", reason: `http_${status}`, isThrottled, pauseMs };
    }
    case "blocked":
      return undefined;
  }
}

/** A 4xx that is not temporary is about one delivery: the receiver is there and answers. */
function concernsAll({ status, reading }: Extract<AttemptResult, { kind: "response" }>): boolean {
  if (status >= 500 || reading === undefined) return isTemporary(status);
  return reading.isWorthRetrying && reading.concerns === "destination";
}
