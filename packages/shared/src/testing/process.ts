/**
 * One of our processes, started as its package script starts it, with nothing of this environment but
 * what it is given. When the test process dies it goes too: it is connected by an IPC channel.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createSignal } from "./signal.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A log line as parsed JSON. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  readonly lines: readonly LogLine[];
  /** Everything it wrote, to stdout and stderr. */
  readonly output: string;
  readonly exited: Promise<Exit>;
  /** The first log line, also one written before, that `matches`. */
  waitForLine(matches: (line: LogLine) => boolean): Promise<LogLine>;
  waitForEvent(event: string): Promise<LogLine>;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<Exit>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<Exit>;
}

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

export type Program = "ingest" | "worker";

/** Many tests of a file begin at once, and starting is the only hard work: one at a time does it. */
let startOfTheOneBefore: Promise<unknown> = Promise.resolve();

/** Resolves when it is starting; what it is ready for, its log lines tell. */
export async function spawnProgram(
  program: Program,
  environment: Environment,
): Promise<TestProcess> {
  const turn = startOfTheOneBefore;
  const hasStarted = Promise.withResolvers<void>();
  startOfTheOneBefore = hasStarted.promise;
  await turn;
  const one = spawnNow(program, environment);
  void Promise.race([one.wrote, one.process.exited]).then(() => hasStarted.resolve());
  return one.process;
}

function spawnNow(program: Program, environment: Environment) {
  const child = spawn(process.execPath, ["--import", "tsx", `apps/${program}/src/main.ts`], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return follow(program, child);
}

function follow(program: Program, child: ChildProcess) {
  const firstOutput = Promise.withResolvers<void>();
  const signal = createSignal();
  const lines: LogLine[] = [];
  let output = "";
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    firstOutput.resolve();
    output += chunk;
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.flatMap(parseLine));
    signal.notify();
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  let hasEnded = false;
  // "close" comes when the output is read to its end as well.
  const exited = once(child, "close").then(([code, endedBy]): Exit => {
    hasEnded = true;
    signal.notify();
    return { code: code as number | null, signal: endedBy as NodeJS.Signals | null };
  });
  const end = async (how: NodeJS.Signals): Promise<Exit> => {
    child.kill(how);
    return exited;
  };
  const waitForLine: TestProcess["waitForLine"] = async (matches) => {
    const look = () => lines.find(matches) ?? (hasEnded ? null : undefined);
    const found = await signal.until(
      look,
      () => `a line of ${program}, which wrote:\n${lastOf(output)}`,
    );
    if (found === null) throw new Error(`${program} ended without the line:\n${lastOf(output)}`);
    return found;
  };
  const testProcess: TestProcess = {
    pid: child.pid ?? 0,
    lines,
    get output() {
      return output;
    },
    exited,
    waitForLine,
    waitForEvent: (event) => waitForLine((line) => line.event === event),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
  return { process: testProcess, wrote: firstOutput.promise };
}

/** Enough to see what happened; a worker in trouble says the same thing for long. */
const SHOWN_CHARACTERS = 3_000;

function lastOf(output: string): string {
  return output.slice(-SHOWN_CHARACTERS);
}

function parseLine(text: string): LogLine[] {
  try {
    return [JSON.parse(text) as LogLine];
  } catch {
    return [];
  }
}
