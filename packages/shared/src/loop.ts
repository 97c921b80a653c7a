/**
 * Runs `once` again and again, never twice at a time, `everyMs` after the run before ended (or sooner:
 * `once` may return its own wait, `nudge()` ends a wait). A run that throws is reported and the next
 * one comes as usual.
 */
export interface Loop {
  nudge(): void;
  /** Resolves when the run that is going on has ended; none starts after it. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  readonly everyMs: number;
  /** Between the end of a run that took so long and the next one, also when it was nudged. Default: none. */
  readonly restMs?: (tookMs: number) => number;
  readonly once: () => Promise<number | void>;
  readonly onError: (error: unknown) => void;
}

export function startLoop({ everyMs, once, onError, restMs = () => 0 }: LoopOptions): Loop {
  let isStopped = false;
  let isNudged = false;
  let endWait: (() => void) | undefined;

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  let endRest: (() => void) | undefined;
  /** A nudge does not end it; a stop does. */
  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    while (!isStopped) {
      isNudged = false;
      const startedAt = performance.now();
      const nextMs = await once().catch((error: unknown) => {
        onError(error);
      });
      const tookMs = performance.now() - startedAt;
      const leastMs = restMs(tookMs);
      if (leastMs > 0 && !isStopped) await rest(leastMs);
      if (!isStopped && !isNudged) await wait(Math.max(0, (nextMs ?? everyMs) - leastMs));
      endWait = undefined;
    }
  };
  const running = run();

  return {
    nudge() {
      isNudged = true;
      endWait?.();
    },
    stop() {
      isStopped = true;
      endRest?.();
      endWait?.();
      return running;
    },
  };
}
