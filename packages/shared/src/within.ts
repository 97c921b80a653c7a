/** Rejects with `complaint` when `work` takes longer; it goes on by itself. */
export async function within<T>(
  timeoutMs: number,
  work: Promise<T>,
  complaint: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(complaint)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
