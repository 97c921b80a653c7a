/** What an attempt's result says about the destination as a whole. */
import type { AttemptResult } from "./attempt-result.ts";
import type { Sign } from "./circuit.ts";
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
      const isThrottled = status < 500 || pauseMs > 0;
      return { kind: "ill", reason: `http_${status}`, isThrottled, pauseMs };
    }
    case "blocked":
      return undefined;
  }
}

/** Any other 4xx is about one delivery: the receiver is there and answers. */
function concernsAll({ status, reading }: Extract<AttemptResult, { kind: "response" }>): boolean {
  if (status >= 500 || reading === undefined) return status === 429 || status >= 500;
  return reading.isWorthRetrying && reading.concerns === "destination";
}
