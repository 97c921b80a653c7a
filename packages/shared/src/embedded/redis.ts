/**
 * A real Redis for tests, never for production: on 127.0.0.1, in memory only.
 *
 * It runs in a session of its own, so that Ctrl-C reaches the services first. When this process is
 * killed the server stays behind; stopping is the owner's job.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { endProcess, spawnDetached, type RunningProcess } from "./detached-process.ts";
import { findFreePort, readLastLines } from "./processes.ts";
import { findRedisServer } from "./redis-server.ts";

export { findRedisServer } from "./redis-server.ts";

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server is gone. Calling it again changes nothing. */
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** Its working folder and log. */
  readonly folder: string;
  /** Default: any free one. */
  readonly port?: number;
  /** Further arguments of redis-server, such as `["--appendonly", "yes"]`. */
  readonly args?: readonly string[];
}

const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;
/** Someone else may take the free port first. */
const START_ATTEMPTS = 3;
/** With persistence asked for, Redis writes its data before it goes. */
const SHUTDOWN = { ask: "SIGTERM", force: "SIGKILL", withinMs: 10_000 } as const;

export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const folder = resolve(options.folder);
  await mkdir(folder, { recursive: true });
  const program = await findRedisServer();
  const logFile = join(folder, "redis.log");
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const port = options.port ?? (await findFreePort());
    const args = [...describeArguments(folder, port), ...(options.args ?? [])];
    const redis = await spawnDetached({ program, args, folder, logFile });
    if (await waitUntilReady(redis, port)) return describeServer(redis, port);
    await endProcess(redis, SHUTDOWN);
  }
  throw new Error(
    `Redis did not start. The end of its log, ${logFile}:\n${await readLastLines(logFile)}`,
  );
}

function describeArguments(folder: string, port: number): string[] {
  const reachable = ["--bind", "127.0.0.1", "--port", String(port)];
  return [...reachable, "--dir", folder, "--save", "", "--appendonly", "no"];
}

/** A rival on the same port would answer as well, so the process must be ours and still be there. */
async function waitUntilReady(redis: RunningProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && (await redis.isRunning())) {
    if ((await readProcessId(port)) === redis.pid) return true;
    await delay(LOOK_EVERY_MS);
  }
  return false;
}

/** Undefined: nothing answers a PING there yet. */
async function readProcessId(port: number): Promise<number | undefined> {
  const client = new Redis({
    host: "127.0.0.1",
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // Each failure also rejects the call below, which is where it is dealt with.
  client.on("error", () => undefined);
  try {
    await client.ping();
    const [, pid] = /^process_id:(\d+)/m.exec(await client.info("server")) ?? [];
    return Number(pid);
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

function describeServer(redis: RunningProcess, port: number): RedisServer {
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: redis.pid,
    stop: () => endProcess(redis, SHUTDOWN),
  };
}
