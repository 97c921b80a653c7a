/**
 * Ingest and worker as two processes.
 *
 * Each is in a process group of its own, so that a terminal's Ctrl-C does not reach it before it is
 * told to stop, and holds an IPC channel: when this process dies, however it went, the channel closes
 * and the service ends by itself. None is restarted.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export type Env = Readonly<Record<string, string | undefined>>;

export interface Services {
  /** Resolves, with a sentence, when one of them has ended without being told to. */
  readonly ended: Promise<string>;
  /** SIGTERM to both; resolves when both are gone. */
  stop(): Promise<void>;
}

export interface ServicesOptions {
  readonly env: Env;
  /** A line of a service's log. */
  readonly onLog: (line: string) => void;
  /** What a service says beside its log, before a crash say. */
  readonly onComplaint: (line: string) => void;
  /** How long a service may take to stop. */
  readonly patienceMs: number;
  /** Ends the patience. */
  readonly forced: AbortSignal;
}

const ROOT_FOLDER = fileURLToPath(new URL("../..", import.meta.url));
const NAMES = ["ingest", "worker"] as const;

interface Service {
  readonly name: string;
  readonly child: ChildProcess;
  /** How it ended, once everything that it said is read. */
  readonly ended: Promise<string>;
}

export function startServices(options: ServicesOptions): Services {
  const services = NAMES.map((name) => startService(name, options));
  const stop = async (): Promise<void> => {
    await Promise.all(services.map((service) => stopService(service, options)));
  };
  return { ended: Promise.race(services.map(({ ended }) => ended)), stop };
}

function startService(name: string, { env, onLog, onComplaint }: ServicesOptions): Service {
  const main = fileURLToPath(new URL(`../../apps/${name}/src/main.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), main], {
    cwd: ROOT_FOLDER,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  readLines(child.stdout, onLog);
  readLines(child.stderr, onComplaint);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`${name} could not be started: ${error.message}`));
    child.once("close", (code, signal) =>
      resolve(`${name} ended by itself (${signal ?? `exit code ${code}`})`),
    );
  });
  return { name, child, ended };
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on("line", onLine);
}

async function stopService(
  { child, ended }: Service,
  { patienceMs, forced }: ServicesOptions,
): Promise<void> {
  child.kill("SIGTERM");
  const patience = new AbortController();
  const isOver = delay(patienceMs, undefined, {
    signal: AbortSignal.any([patience.signal, forced]),
  }).catch(() => undefined);
  void isOver.then(() => child.kill("SIGKILL"));
  await ended;
  patience.abort();
}
