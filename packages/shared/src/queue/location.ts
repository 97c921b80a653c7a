/** Where the queue lives: in Redis (production, several machines), or in PostgreSQL with the rows. */
export type QueueLocation =
  | { readonly kind: "redis"; readonly url: string; readonly prefix: string }
  | { readonly kind: "postgres" };

const DEFAULT_PREFIX = "webhook-delivery";

export function queueLocation(config: { readonly REDIS_URL: string | null }): QueueLocation {
  return config.REDIS_URL === null
    ? { kind: "postgres" }
    : { kind: "redis", url: config.REDIS_URL, prefix: DEFAULT_PREFIX };
}
