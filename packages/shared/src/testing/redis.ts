/**
 * A numbered Redis database of its own for a suite. Numbers, because the queue's prefix is fixed.
 *
 * A suite claims an empty database by a key inside it, so that suites in other processes, and other
 * runs on a shared Redis, pass it by. Only databases that carry a claim are ever emptied: what
 * somebody else keeps in the Redis at REDIS_URL stays.
 */
import { Redis } from "ioredis";
import { inject } from "vitest";

export interface TestRedis extends AsyncDisposable {
  /** `redis://…/N` */
  readonly url: string;
  readonly client: Redis;
  /** Everything that is stored, keys and values, as text. */
  dump(): Promise<string>;
  /** What a crash without persistence does to the service's keys. */
  loseEverything(): Promise<void>;
}

const CLAIM_KEY = "webhook-delivery-tests:claim";

export async function createTestRedis(): Promise<TestRedis> {
  const { redisUrl, runId } = inject("servers");
  const number = await claimDatabase(redisUrl, runId);
  const url = `${withoutDatabase(redisUrl)}/${number}`;
  const client = new Redis(url);
  return {
    url,
    client,
    dump: () => dumpDatabase(client),
    async loseEverything() {
      const keys = (await client.keys("*")).filter((key) => key !== CLAIM_KEY);
      if (keys.length > 0) await client.del(...keys);
    },
    async [Symbol.asyncDispose]() {
      await client.flushdb();
      client.disconnect();
    },
  };
}

/** Empties every database that this run claimed and did not give back. */
export async function releaseRedisDatabases(redisUrl: string, runId: string): Promise<void> {
  await onEachDatabase(redisUrl, async (client) => {
    if ((await client.get(CLAIM_KEY)) === runId) await client.flushdb();
    return false;
  });
}

async function claimDatabase(redisUrl: string, runId: string): Promise<number> {
  const number = await onEachDatabase(redisUrl, async (client) => {
    if ((await client.set(CLAIM_KEY, runId, "NX")) !== "OK") return false;
    if ((await client.dbsize()) === 1) return true;
    await client.del(CLAIM_KEY);
    return false;
  });
  if (number === undefined) throw new Error("Redis has no empty database left for this suite");
  return number;
}

/** Visits database 1, 2, … until `visit` answers true; that one's number. 0 is left to its owner. */
async function onEachDatabase(
  redisUrl: string,
  visit: (client: Redis) => Promise<boolean>,
): Promise<number | undefined> {
  const client = new Redis(redisUrl);
  try {
    for (let number = 1; ; number++) {
      const selected = await client.select(number).catch(() => undefined);
      if (selected === undefined) return undefined;
      if (await visit(client)) return number;
    }
  } finally {
    client.disconnect();
  }
}

function withoutDatabase(redisUrl: string): string {
  return redisUrl.replace(/\/\d*$/, "");
}

async function dumpDatabase(client: Redis): Promise<string> {
  const parts: unknown[] = [];
  for (const key of await client.keys("*")) parts.push(key, await readValue(client, key));
  return JSON.stringify(parts);
}

async function readValue(client: Redis, key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case "string":
      return client.get(key);
    case "hash":
      return client.hgetall(key);
    case "list":
      return client.lrange(key, 0, -1);
    case "set":
      return client.smembers(key);
    case "zset":
      return client.zrange(key, "0", "-1", "WITHSCORES");
    case "stream":
      return client.xrange(key, "-", "+");
    default:
      return null;
  }
}
