/** The whole service under test: PostgreSQL, Redis, a proxy before each, two ingests, two workers. */
import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectDatabase, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from "@webhook-delivery/shared/embedded/postgres.ts";
import { startRedis, type RedisServer } from "@webhook-delivery/shared/embedded/redis.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { openRedis } from "@webhook-delivery/shared/queue/redis.ts";
import { createProgram, type Program } from "./program.ts";
import { startProxy, type TcpProxy } from "./proxy.ts";

export type Backend = "redis" | "postgres";

/** A server that the monkey may mistreat. */
interface Victim {
  readonly name: "postgres" | "redis";
  readonly proxy: TcpProxy;
  restart(signal: NodeJS.Signals): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export interface Stack {
  readonly apiKey: string;
  readonly ingestUrls: readonly string[];
  readonly ingests: readonly [Program, Program];
  readonly workers: readonly [Program, Program];
  readonly victims: readonly [Victim, ...Victim[]];
  /** Past the proxy. */
  readonly sql: Sql;
  flushRedis(): Promise<void>;
  stop(): Promise<void>;
}

const API_KEY = "chaos-operator-key";

export interface StackOptions {
  readonly backend: Backend;
  readonly folder: string;
  /** Variables of the processes, instead of the ones here. */
  readonly env?: Readonly<Record<string, string>>;
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** Without the proxies, which cost as much as a worker. */
  readonly isDirect?: boolean;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const { backend, folder } = options;
  await mkdir(folder, { recursive: true });
  // PostgreSQL does not run as root: under root it is another account that must get in here.
  await chmod(folder, 0o711);
  const postgres = await startPostgresVictim(join(folder, "postgres"), options.postgresSettings);
  const redis = backend === "redis" ? await startRedisVictim(join(folder, "redis")) : undefined;
  const sql = connectDatabase({ url: postgres.directUrl(), applicationName: "chaos" });
  await migrate(sql, MIGRATIONS_FOLDER);

  const env = {
    PATH: process.env["PATH"] ?? "",
    NODE_ENV: "development",
    DATABASE_URL: options.isDirect === true ? postgres.directUrl() : postgres.proxiedUrl,
    ...(redis && { REDIS_URL: options.isDirect === true ? redis.directUrl() : redis.proxiedUrl }),
    API_KEYS: API_KEY,
    OUTBOX_SECRET: API_KEY,
    CRON_SECRET: API_KEY,
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    RATE_LIMIT_PER_SECOND: "0",
    DELIVERY_TIMEOUT_MS: "2000",
    RETRY_SCHEDULE_SECONDS: "0.2,0.5,1,1,2,2,2,2,2",
    SHUTDOWN_TIMEOUT_MS: "10000",
    ...options.env,
  };
  const ports = [await freePort(), await freePort()];
  const program = (kind: "ingest" | "worker", n: number): Program =>
    createProgram({
      name: `${kind} ${n + 1}`,
      entry: `apps/${kind}/src/main.ts`,
      env: { ...env, HOST: "127.0.0.1", PORT: String(ports[n]) },
      logFile: join(folder, `${kind}-${n + 1}.log`),
    });
  const ingests = [program("ingest", 0), program("ingest", 1)] as const;
  const workers = [program("worker", 0), program("worker", 1)] as const;
  for (const each of [...ingests, ...workers]) each.start();

  return {
    apiKey: API_KEY,
    ingestUrls: ports.map((port) => `http://127.0.0.1:${port}`),
    ingests,
    workers,
    victims: redis ? [postgres.victim, redis.victim] : [postgres.victim],
    sql,
    async flushRedis() {
      await redis?.flush();
    },
    async stop() {
      await Promise.all([...ingests, ...workers].map((each) => each.kill("SIGKILL")));
      await sql.end({ timeout: 1 });
      await postgres.stop();
      await redis?.stop();
    },
  };
}

/** Resolves when both ingests say that they can do their work. */
export async function untilReady({ ingestUrls }: Stack): Promise<void> {
  for (const url of ingestUrls) {
    for (;;) {
      const response = await fetch(`${url}/readyz`).catch(() => undefined);
      if (response?.ok) break;
      await sleep(100);
    }
  }
}

async function startPostgresVictim(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
) {
  const port = await freePort();
  const start = () =>
    startEmbeddedPostgres({ folder, port, settings, shelter: join(folder, "shelter") });
  let server: EmbeddedPostgres = await start();
  const proxy = await startProxy(port);
  let frozen: number[] = [];
  const victim: Victim = {
    name: "postgres",
    proxy,
    async restart(signal) {
      process.kill(server.pid, signal);
      await gone(server.pid);
      await server.stop().catch(() => {});
      server = await start();
    },
    freeze() {
      frozen = [server.pid, ...childrenOf(server.pid)];
      for (const pid of frozen) signalIfThere(pid, "SIGSTOP");
    },
    thaw() {
      for (const pid of frozen.toReversed()) signalIfThere(pid, "SIGCONT");
      frozen = [];
    },
  };
  const proxied = new URL(server.url);
  proxied.port = String(proxy.port);
  return {
    victim,
    proxiedUrl: proxied.href,
    directUrl: () => server.url,
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

async function startRedisVictim(folder: string) {
  const port = await freePort();
  const start = () => startRedis({ folder, port });
  let server: RedisServer = await start();
  const proxy = await startProxy(port);
  const victim: Victim = {
    name: "redis",
    proxy,
    // Without persistence: everything in it is gone.
    async restart(signal) {
      process.kill(server.pid, signal);
      await gone(server.pid);
      server = await start();
    },
    freeze: () => signalIfThere(server.pid, "SIGSTOP"),
    thaw: () => signalIfThere(server.pid, "SIGCONT"),
  };
  return {
    victim,
    proxiedUrl: `redis://127.0.0.1:${proxy.port}`,
    directUrl: () => server.url,
    async flush() {
      const client = openRedis(server.url, {});
      await client.flushall();
      client.disconnect();
    },
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
