/**
 * A server process in a session of its own: Ctrl-C in the terminal reaches the services, which still
 * need their servers to finish, and not the servers. It outlives a killed parent.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface RunningProcess {
  readonly pid: number;
  isRunning(): Promise<boolean>;
  /** Resolves when the process is gone. */
  exited(): Promise<void>;
}

export async function spawnDetached(options: {
  program: string;
  args: readonly string[];
  folder: string;
  /** What it says is appended here. */
  logFile: string;
  environment?: Readonly<Record<string, string>>;
  account?: { readonly uid: number; readonly gid: number } | undefined;
}): Promise<RunningProcess> {
  const { program, args, folder, logFile, environment, account } = options;
  const output = openSync(logFile, "a", 0o600);
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: ["ignore", output, output],
    ...(environment ? { env: environment } : {}),
    ...account,
  });
  closeSync(output);
  const exit = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  await once(child, "spawn");
  child.unref();

  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} was spawned without a process number`);
  return {
    pid,
    isRunning: () => Promise.resolve(child.exitCode === null && child.signalCode === null),
    exited: () => {
      child.ref();
      return exit;
    },
  };
}

/** `force` comes when `ask` has not ended the process in time. */
export async function endProcess(
  target: RunningProcess,
  signals: { ask: NodeJS.Signals; force: NodeJS.Signals; withinMs: number },
): Promise<void> {
  if (!(await target.isRunning())) return;
  process.kill(target.pid, signals.ask);
  const patience = new AbortController();
  const hasExited = await Promise.race([
    target.exited().then(() => true),
    delay(signals.withinMs, false, { signal: patience.signal }),
  ]);
  patience.abort();
  if (hasExited || !(await target.isRunning())) return;
  process.kill(target.pid, signals.force);
  await target.exited();
}
