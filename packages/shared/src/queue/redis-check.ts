/**
 * Whether Redis lets the queue work: every command that BullMQ and we use, tried on keys of the installation's
 * own in one transaction that leaves nothing behind. Redis checks rights, memory and role when it takes a
 * command into a transaction, so one look finds everything that is missing, and none of it counts as an error
 * in Redis' statistics while nothing is.
 */
import type { Redis } from "ioredis";
import { redisProblem } from "../core/redis-problem.ts";

export interface RedisVerdict {
  /** A sentence that names the mend. */
  readonly problem?: string;
  /** It works, and will lose what it carries one day. */
  readonly warning?: string;
}

export interface CheckedNames {
  readonly prefix: string;
  /** Of BullMQ's keys, under the prefix. */
  readonly queueName: string;
  readonly channel: string;
}

const EXPIRES_SECONDS = 60;
const SCRIPT = "return 1";
const SCRIPT_SHA1 = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";

type Command = readonly [name: string, ...args: (string | number)[]];

function everyCommand({ prefix, queueName, channel }: CheckedNames): Command[] {
  const own = `${prefix}:check`;
  const key = (kind: string) => `${prefix}:${queueName}:check-${kind}`;
  const [text, hash, list] = [key("text"), key("hash"), key("list")];
  const [set, sorted, stream] = [key("set"), key("sorted"), key("stream")];
  return [
    // Without the right to a transaction the commands run one by one; then at least this one expires.
    ["set", own, 1, "EX", EXPIRES_SECONDS],
    ["set", text, 1, "EX", EXPIRES_SECONDS],
    ...(["get", "incr", "pttl", "persist", "exists"] as const).map((name): Command => [name, text]),
    ["pexpire", text, EXPIRES_SECONDS * 1_000],
    ["hset", hash, "a", 1],
    ["hmset", hash, "a", 1],
    ["hincrby", hash, "a", 1],
    ...(["hget", "hmget", "hexists"] as const).map((name): Command => [name, hash, "a"]),
    ["hgetall", hash],
    ["hdel", hash, "a"],
    ["lpush", list, "a"],
    ["rpush", list, "a"],
    ["rpoplpush", list, list],
    ["lpos", list, "a"],
    ["llen", list],
    ["lrange", list, 0, -1],
    ["ltrim", list, 0, 0],
    ["lrem", list, 0, "a"],
    ["sadd", set, "a"],
    ["scard", set],
    ["smembers", set],
    ["srem", set, "a"],
    ["zadd", sorted, 1, "a", 2, "b"],
    ["zcard", sorted],
    ["zscore", sorted, "a"],
    ["zrange", sorted, 0, -1],
    ["zrevrange", sorted, 0, -1],
    ["zrangebyscore", sorted, 0, 1],
    ["zrevrangebyscore", sorted, 1, 0],
    ["zremrangebyrank", sorted, 9, 9],
    ["zremrangebyscore", sorted, 9, 9],
    ["zpopmin", sorted],
    // Blocks no transaction.
    ["bzpopmin", sorted, 1],
    ["zrem", sorted, "a"],
    ["xadd", stream, "*", "a", 1],
    ["xtrim", stream, "MAXLEN", 0],
    ["script", "load", SCRIPT],
    ["script", "exists", SCRIPT_SHA1],
    ["evalsha", SCRIPT_SHA1, 1, text],
    ["eval", SCRIPT, 1, text],
    ["del", own, text, hash, list, set, sorted, stream],
    ["publish", channel, ""],
  ];
}

/** Rejects with nothing: an error is a verdict. */
export async function checkRedis(redis: Redis, names: CheckedNames): Promise<RedisVerdict> {
  const errors = await tryCommands(redis, everyCommand(names));
  if (errors.length > 0) return { problem: redisProblem(errors, names) };
  const [replication, memory] = await Promise.all([
    readInfo(redis, "replication"),
    readInfo(redis, "memory"),
  ]);
  // A replica can be told to take writes, and loses them when it follows its primary again.
  if (replication.get("role") === "slave") {
    return { problem: redisProblem([new Error("READONLY")], names) };
  }
  const policy = memory.get("maxmemory_policy");
  if (policy === undefined || policy === "noeviction") return {};
  return { warning: `${EVICTS}: its maxmemory-policy is ${policy}, set it to noeviction.` };
}

const EVICTS = "Redis may throw away what the queue keeps when its memory is full";

async function tryCommands(redis: Redis, commands: readonly Command[]): Promise<unknown[]> {
  try {
    const results = (await redis.multi(commands.map((command) => [...command])).exec()) ?? [];
    return results.flatMap(([error]) => (error === null ? [] : [error]));
  } catch (error) {
    // EXECABORT, and why.
    const reasons = (error as { previousErrors?: readonly unknown[] }).previousErrors ?? [];
    return reasons.length > 0 ? [...reasons] : [error];
  }
}

/** Empty where it may not be asked for: the worker says so, which needs it. */
async function readInfo(redis: Redis, section: string): Promise<ReadonlyMap<string, string>> {
  const text = await redis.info(section).catch(() => "");
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(":");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
