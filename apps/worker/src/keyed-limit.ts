/**
 * A semaphore for each key: so many at once, the others wait in their order. A key that nobody holds costs
 * nothing. Lives in this process alone and is lost with it.
 */
export interface KeyedLimit {
  /**
   * Resolves when there is room; dispose of what it resolves to, to leave. Undefined: there was none in time,
   * or `stop` came first.
   */
  enter(key: string, timeoutMs: number): Promise<Disposable | undefined>;
  /** Nobody who waits gets in any more. */
  stop(): void;
}

interface Waiting {
  readonly resolve: (isIn: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

interface Entry {
  inside: number;
  readonly waiting: Set<Waiting>;
}

/** `most`: Infinity for no limit. */
export function createKeyedLimit(most: number): KeyedLimit {
  const entries = new Map<string, Entry>();
  let isStopped = false;

  const leave = (key: string, entry: Entry): void => {
    const [next] = entry.waiting;
    if (next !== undefined) {
      // The one that leaves hands its room over, so that nobody gets in between.
      entry.waiting.delete(next);
      clearTimeout(next.timer);
      next.resolve(true);
      return;
    }
    entry.inside--;
    if (entry.inside === 0) entries.delete(key);
  };

  const wait = (entry: Entry, timeoutMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        entry.waiting.delete(waiting);
        resolve(false);
      }, timeoutMs);
      const waiting: Waiting = { resolve, timer };
      entry.waiting.add(waiting);
    });

  return {
    async enter(key, timeoutMs) {
      const entry = entries.get(key) ?? { inside: 0, waiting: new Set() };
      if (isStopped) return undefined;
      if (entry.inside < most) {
        entries.set(key, entry);
        entry.inside++;
      } else if (!(await wait(entry, timeoutMs))) return undefined;
      return { [Symbol.dispose]: () => leave(key, entry) };
    },
    stop() {
      isStopped = true;
      for (const { waiting } of entries.values()) {
        for (const { resolve, timer } of waiting) {
          clearTimeout(timer);
          resolve(false);
        }
        waiting.clear();
      }
    },
  };
}
