import { mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isAlive, runProgram } from "./processes.ts";
import { fetchRedisServer, findRedisServer } from "./redis-server.ts";
import { startRedis, type RedisServer } from "./redis.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

// A machine with a Redis of its own never fetches one, and its tests need no network.
const isFetched = (await findRedisServer()).includes("/");
let folder: string;
const servers: RedisServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "embedded-redis-"));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  await rm(folder, { recursive: true });
});

async function start(options: { port?: number; args?: string[] } = {}): Promise<RedisServer> {
  const server = await startRedis({ folder, ...options });
  servers.push(server);
  return server;
}

test("starts an empty Redis that keeps nothing on disk, and stops it", async () => {
  const server = await start();
  const client = new Redis(server.url);
  expect(await client.dbsize()).toBe(0);
  expect(await client.config("GET", "bind")).toEqual(["bind", "127.0.0.1"]);
  expect(await client.config("GET", "save")).toEqual(["save", ""]);
  expect(await client.config("GET", "maxmemory-policy")).toEqual([
    "maxmemory-policy",
    "noeviction",
  ]);
  client.disconnect();

  await Promise.all([server.stop(), server.stop()]);
  expect(isAlive(server.pid)).toBe(false);
  expect(existsSync(join(folder, "dump.rdb"))).toBe(false);
});

test("passes further arguments on", async () => {
  const server = await start({ args: ["--databases", "3"] });
  const client = new Redis(server.url);
  expect(await client.config("GET", "databases")).toEqual(["databases", "3"]);
  client.disconnect();
});

test("does not mistake another server on the wanted port for its own", async () => {
  const first = await start();
  await expect(start({ port: first.port })).rejects.toThrow(/log, .*Address already in use/s);
  expect(isAlive(first.pid)).toBe(true);
});

test.runIf(isFetched)("unpacks a Redis without installing it", async () => {
  const [program] = await Promise.all([fetchRedisServer(folder), fetchRedisServer(folder)]);
  const { stdout } = await runProgram(program ?? "", ["--version"]);
  expect(stdout).toMatch(/(Redis|Valkey) server v=\d+/);
  expect(program?.startsWith(folder)).toBe(true);
});
