/** Calls `tell` for the first of many, and again at most once every `everyMs`. */
export function throttle<T>(everyMs: number, tell: (value: T) => void): (value: T) => void {
  let silentUntil = -Infinity;
  return (value) => {
    const now = performance.now();
    if (now < silentUntil) return;
    silentUntil = now + everyMs;
    tell(value);
  };
}
