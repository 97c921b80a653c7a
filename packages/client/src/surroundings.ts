/** Time and chance, as the tests replace them. */

export interface Surroundings {
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Rejects with the signal's reason as soon as that is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export const realSurroundings: Surroundings = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(reasonOf(signal));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      if (signal?.aborted === true) stop();
      else signal?.addEventListener("abort", stop, { once: true });
    }),
};

/** What an aborted call rejects with; the caller's own, which may be anything. */
function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason as Error;
}
