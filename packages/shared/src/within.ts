/** Rejects with the error of `complain` when `work` takes longer; it goes on by itself. */
export async function within<T>(
  timeoutMs: number,
  work: Promise<T>,
  complain: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(complain()), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
