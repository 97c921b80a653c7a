/** Where the queue lives: in Redis (production, several machines), or in PostgreSQL with the rows. */
export type QueueLocation = RedisLocation | { readonly kind: "postgres" };

export interface RedisLocation {
  readonly kind: "redis";
  readonly url: string;
  /** Of every key and channel; differs by installation. Rejects while it cannot be known. */
  readonly prefix: () => Promise<string>;
}

export function queueLocation(
  config: { readonly REDIS_URL: string | null },
  readPrefix: () => Promise<string>,
): QueueLocation {
  if (config.REDIS_URL === null) return { kind: "postgres" };
  let reading: Promise<string> | undefined;
  const prefix = async (): Promise<string> => {
    reading ??= readPrefix();
    try {
      return await reading;
    } catch (error) {
      // Asked again next time.
      reading = undefined;
      throw error;
    }
  };
  return { kind: "redis", url: config.REDIS_URL, prefix };
}
