/** A Redis of a test's own, without persistence, on a port that it keeps: to be killed and frozen. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "@webhook-delivery/shared/embedded/processes.ts";
import { startRedis, type RedisServer } from "@webhook-delivery/shared/embedded/redis.ts";

export interface OwnRedis extends AsyncDisposable {
  readonly url: string;
  start(): Promise<void>;
  /** Everything in it is gone with it. */
  kill(): Promise<void>;
  /** It still accepts connections, and says nothing. */
  freeze(): void;
  thaw(): void;
}

/** Not started. */
export async function createOwnRedis(): Promise<OwnRedis> {
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-redis-"));
  const port = await findFreePort();
  let server: RedisServer | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (server !== undefined) process.kill(server.pid, name);
  };
  const kill = async (): Promise<void> => {
    signal("SIGKILL");
    await server?.stop();
    server = undefined;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      server = await startRedis({ folder, port });
    },
    kill,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
