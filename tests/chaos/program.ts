/** One of our processes, which the monkey may kill; its log goes to a file. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Program {
  readonly name: string;
  /** Undefined: it is not running. */
  pid(): number | undefined;
  start(): void;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** True when it ended although nobody killed it. */
  hasCrashed(): boolean;
  /** How each of those times went, with its last words. */
  readonly crashes: readonly string[];
}

const LAST_WORDS_LINES = 3;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export function createProgram(options: {
  readonly name: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}): Program {
  let child: ChildProcess | undefined;
  const crashes: string[] = [];
  let isExpected = false;
  const lastWords = (): string =>
    readFileSync(options.logFile, "utf8").trimEnd().split("\n").slice(-LAST_WORDS_LINES).join("\n");
  return {
    name: options.name,
    pid: () => child?.pid,
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
      child.on("exit", (code, signal) => {
        if (!isExpected)
          crashes.push(`${options.name} ended with ${code ?? signal}: ${lastWords()}`);
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
    hasCrashed: () => crashes.length > 0,
    crashes,
  };
}
