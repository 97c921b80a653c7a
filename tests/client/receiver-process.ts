/** One of examples/receivers as a process of its own, with what it prints. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createSignal } from "@webhook-delivery/shared/testing/signal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Characters of its complaints: enough to see what happened. */
const SHOWN = 3_000;

export interface ReceiverProcess extends AsyncDisposable {
  readonly url: string;
  /** What it has done, one line a delivery. */
  handled(): string[];
  /** The line about a delivery, once it is there. */
  waitFor(deliveryId: string): Promise<string>;
  /** What it wrote to stderr. */
  complaints(): string;
}

export async function startExample(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ReceiverProcess> {
  const signal = createSignal();
  let output = "";
  let hasEnded = false;
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    signal.notify();
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaints += chunk));
  const exited = once(child, "close").then(() => {
    hasEnded = true;
    signal.notify();
  });
  const lines = () => output.split("\n").slice(0, -1);
  const name = args.at(-1) ?? command;
  const describe = () => `a line of ${name}, which complained: ${complaints.slice(-SHOWN)}`;
  const waitForLine = async (matches: (line: string) => boolean): Promise<string> => {
    const look = () => lines().find(matches) ?? (hasEnded ? null : undefined);
    const line = await signal.until(look, describe);
    if (line === null) throw new Error(`${name} ended: ${complaints.slice(-SHOWN)}`);
    return line;
  };
  const [url = ""] = /http:\S+/.exec(await waitForLine((line) => line.includes("listening"))) ?? [];
  return {
    url,
    handled: () => lines().filter((line) => line.startsWith("handled ")),
    complaints: () => complaints,
    waitFor: (id) => waitForLine((line) => line.startsWith(`handled ${id} `)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
