/** Waiting for something to happen instead of sleeping: whoever makes it happen says `notify()`. */
export interface Signal {
  notify(): void;
  /**
   * Resolves with the first value of `look()` that is not undefined; it looks now and after every
   * notification. Rejects after `timeoutMs` with what `describe()` says.
   */
  until<T>(look: () => T | undefined, describe: () => string, timeoutMs?: number): Promise<T>;
}

/** Long enough for a loaded machine, shorter than a test may take: the message says what was missing. */
const PATIENCE_MS = 90_000;
/** The same for what can only be looked at again and again. */
export const PATIENCE = { timeout: PATIENCE_MS, interval: 50 };

export function createSignal(): Signal {
  const waiting = new Set<() => void>();
  return {
    notify() {
      for (const lookAgain of waiting) lookAgain();
    },
    until<T>(look: () => T | undefined, describe: () => string, timeoutMs = PATIENCE_MS) {
      return new Promise<T>((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(lookAgain);
        };
        const lookAgain = (): void => {
          const found = look();
          if (found === undefined) return;
          end();
          resolve(found);
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`waited ${timeoutMs} ms for ${describe()}`));
        }, timeoutMs);
        waiting.add(lookAgain);
        lookAgain();
      });
    },
  };
}
