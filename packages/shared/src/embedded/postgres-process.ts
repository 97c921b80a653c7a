/**
 * The postmaster as a process: found when it already runs on a cluster, else started.
 *
 * PostgreSQL's own lock file (postmaster.pid) keeps a second server off the cluster. It is never
 * removed here. When the process it names is not a postmaster of this cluster any more, PostgreSQL is
 * told so through PG_GRANDPARENT_PID, its own way to say "this process number is no rival": if a rival
 * has written the file anew in the meantime, it names another number and PostgreSQL still refuses.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endProcess, spawnDetached, type RunningProcess } from "./detached-process.ts";
import { SERVER_ENVIRONMENT, type Account } from "./postgres-account.ts";
import { readCommandLine } from "./processes.ts";

export interface Postmaster extends RunningProcess {
  readonly port: number;
  /**
   * Says that it listens. Before that another server may still answer on its port; afterwards a
   * connection decides.
   */
  isListening(): Promise<boolean>;
  /** Fast shutdown: open transactions are rolled back, the data is flushed. */
  stop(): Promise<void>;
}

/** A checkpoint of a development database takes seconds; cut off, the next start recovers. */
const FAST_SHUTDOWN = { ask: "SIGINT", force: "SIGQUIT", withinMs: 30_000 } as const;
const LOOK_EVERY_MS = 50;

export async function findRunningPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const lock = await readLockFile(cluster);
  if (!lock || !(await isPostmasterOf(cluster, lock.pid))) return undefined;
  const { pid, port } = lock;
  const isRunning = () => isPostmasterOf(cluster, pid);
  const exited = async () => {
    while (await isRunning()) await delay(LOOK_EVERY_MS);
  };
  return describePostmaster({ pid, isRunning, exited }, { cluster, port });
}

export async function spawnPostmaster(options: {
  postgres: string;
  cluster: string;
  account: Account | undefined;
  port: number;
  settings: Readonly<Record<string, string>>;
  logFile: string;
}): Promise<Postmaster> {
  const { postgres, cluster, account, port, settings, logFile } = options;
  const lock = await readLockFile(cluster);
  const isStale = lock !== undefined && !(await isPostmasterOf(cluster, lock.pid));
  const spawned = await spawnDetached({
    program: postgres,
    args: ["-D", cluster, "-c", `port=${port}`, ...describeSettings(settings)],
    folder: cluster,
    logFile,
    environment: {
      ...SERVER_ENVIRONMENT,
      ...(isStale ? { PG_GRANDPARENT_PID: String(lock.pid) } : {}),
    },
    account,
  });
  return describePostmaster(spawned, { cluster, port });
}

function describePostmaster(
  running: RunningProcess,
  { cluster, port }: { cluster: string; port: number },
): Postmaster {
  return {
    ...running,
    port,
    isListening: async () => {
      const lock = await readLockFile(cluster);
      return lock?.pid === running.pid && lock.status === "ready";
    },
    stop: () => endProcess(running, FAST_SHUTDOWN),
  };
}

function describeSettings(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

interface LockFile {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `ready`, `stopping`. */
  readonly status: string | undefined;
}

/** Its lines: process, cluster, start time, port, sockets, addresses, shared memory, status. */
async function readLockFile(cluster: string): Promise<LockFile | undefined> {
  const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "");
  const [pid, , , port, , , , status] = text.split("\n");
  const lock = { pid: Number(pid), port: Number(port), status: status?.trim() };
  return lock.pid > 0 && lock.port > 0 ? lock : undefined;
}

/** Process numbers are used again: after the restart of a container, within minutes. */
async function isPostmasterOf(cluster: string, pid: number): Promise<boolean> {
  return (await readCommandLine(pid)).includes(`postgres -D ${cluster} -c port=`);
}
