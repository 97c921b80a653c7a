/** One of our processes, which the monkey may kill; its log goes to a file. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Program {
  readonly name: string;
  start(): void;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** True when it ended although nobody killed it. */
  hasCrashed(): boolean;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export function createProgram(options: {
  readonly name: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}): Program {
  let child: ChildProcess | undefined;
  let crashed = false;
  let isExpected = false;
  return {
    name: options.name,
    start() {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) return;
      isExpected = false;
      const log = openSync(options.logFile, "a");
      child = spawn(process.execPath, ["--import", "tsx", options.entry], {
        cwd: ROOT,
        env: options.env,
        // The channel ends it if this process dies.
        stdio: ["ignore", log, log, "ipc"],
      });
      closeSync(log);
      child.on("exit", () => {
        if (!isExpected) crashed = true;
      });
    },
    async kill(signal) {
      const running = child;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      isExpected = true;
      const exit = once(running, "exit");
      running.kill(signal);
      await exit;
    },
    hasCrashed: () => crashed,
  };
}
