/**
 * Before the first test file: starts the servers in a process of their own and tells the files where
 * they are. After the last one: lets them go. See servers-process.ts for why nothing stays behind.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** What every test file can `inject("servers")`. */
export interface TestServers {
  /** The superuser's connection to a database that no test uses. */
  readonly postgresUrl: string;
  /** A database with every migration and the queue's tables, to be cloned. */
  readonly templateDatabase: string;
  readonly redisUrl: string;
  /** Marks the Redis databases of this run; see redis.ts. */
  readonly runId: string;
}

declare module "vitest" {
  interface ProvidedContext {
    servers: TestServers;
  }
}

const SERVERS_PROCESS = fileURLToPath(new URL("servers-process.ts", import.meta.url));

export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  // In a process group of its own: Ctrl-C stops the tests, and the servers then stop after them.
  const keeper = fork(SERVERS_PROCESS, { detached: true, execArgv: [] });
  const exited = once(keeper, "exit");
  const [message] = await Promise.race([once(keeper, "message"), exited]);
  if (typeof message !== "object") {
    throw new Error("The test servers did not start; the reason is printed above.");
  }
  project.provide("servers", message as TestServers);
  return async () => {
    keeper.disconnect();
    await exited;
  };
}
