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
  readonly once: () => Promise<number | void>;
  readonly onError: (error: unknown) => void;
}

export function startLoop({ everyMs, once, onError }: LoopOptions): Loop {
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

  const run = async (): Promise<void> => {
    while (!isStopped) {
      isNudged = false;
      const nextMs = await once().catch((error: unknown) => {
        onError(error);
      });
      if (!isStopped && !isNudged) await wait(nextMs ?? everyMs);
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
      endWait?.();
      return running;
    },
  };
}
