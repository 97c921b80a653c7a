/** Connections to Redis. */
import { Redis, type RedisOptions } from "ioredis";

const LONGEST_RECONNECT_WAIT_MS = 1_000;

// ioredis 6 types its constructor without the `undefined` that RedisOptions allows here.
type Options = Omit<RedisOptions, "replyMapping">;

export function openRedis(url: string, options: Options): Redis {
  const redisOptions: Options = {
    retryStrategy: (tries) => Math.min(50 * 2 ** tries, LONGEST_RECONNECT_WAIT_MS),
    // CLIENT SETINFO is a right that nothing else needs.
    disableClientInfo: true,
    ...options,
  };
  return new Redis(url, redisOptions);
}
