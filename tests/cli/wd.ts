/** The command line as a person starts it: a process of its own, with its output and exit code. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createSignal } from "@webhook-delivery/shared/testing/signal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Done {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started extends AsyncDisposable {
  readonly done: Promise<Done>;
  /** The first whole line of stdout that `matches`, also one written before. */
  line(matches: (line: string) => boolean): Promise<string>;
  /** The same of stderr. */
  note(matches: (line: string) => boolean): Promise<string>;
  /** Everything on stdout so far. */
  readonly out: string;
  /** Ctrl-C. */
  interrupt(): Promise<Done>;
}

export interface Wd {
  /** Runs to its end. `input`: what standard input holds. */
  run(args: readonly string[], input?: string): Promise<Done>;
  /** The JSON that it prints; it must end with `code`. */
  json<T>(args: readonly string[], code?: number): Promise<T>;
  start(args: readonly string[]): Started;
}

type Environment = Readonly<Record<string, string>>;

export function createWd(env: Environment): Wd {
  const start: Wd["start"] = (args) => follow(spawnWd(args, env), args);
  const run: Wd["run"] = (args, input) => {
    const child = spawnWd(args, env);
    child.stdin?.end(input);
    return follow(child, args).done;
  };
  return {
    run,
    start,
    async json<T>(args: readonly string[], code = 0) {
      const { out, err, code: ended } = await run([...args, "--json"]);
      if (ended !== code) throw new Error(`wd ${args.join(" ")} ended with ${ended}: ${err}`);
      return JSON.parse(out) as T;
    },
  };
}

function spawnWd(args: readonly string[], env: Environment): ChildProcess {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, ["apps/cli/src/wd.ts", ...args], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

function follow(child: ChildProcess, args: readonly string[]): Started {
  const signal = createSignal();
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
    signal.notify();
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    err += chunk;
    signal.notify();
  });
  const done = once(child, "close").then(([code]): Done => ({
    code: code as number | null,
    out,
    err,
  }));
  const wholeLines = (text: string): string[] => text.split("\n").slice(0, -1);
  const first = (read: () => string, matches: (line: string) => boolean): Promise<string> =>
    signal.until(
      () => wholeLines(read()).find(matches),
      () => `a line of wd ${args.join(" ")}, which wrote:\n${out}${err}`,
    );
  return {
    done,
    line: (matches) => first(() => out, matches),
    note: (matches) => first(() => err, matches),
    get out() {
      return out;
    },
    interrupt() {
      child.kill("SIGINT");
      return done;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await done;
    },
  };
}
