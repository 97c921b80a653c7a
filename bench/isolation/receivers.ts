/** A hold on the process with the receivers. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Arrival, Behaviour, Command } from "./wire.ts";

export interface Receivers {
  /** New receivers by name; resolves with the URL of each. */
  open(receivers: Readonly<Record<string, Behaviour>>): Promise<ReadonlyMap<string, string>>;
  /** From now on they treat requests like this. */
  behave(names: readonly string[], behaviour: Behaviour): Promise<void>;
  /** Everything that arrived since the process started, in order. */
  read(): Promise<readonly Arrival[]>;
  close(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("receiver-process.ts", import.meta.url));

export function startReceivers(): Receivers {
  const child = fork(PROGRAM, {
    execArgv: ["--import", "tsx"],
    // Keeps Infinity.
    serialization: "advanced",
  });
  const waiting: ((answer: Answer) => void)[] = [];
  child.on("message", (answer: Answer) => waiting.shift()?.(answer));
  const ask = (command: Command) =>
    new Promise<Answer>((resolve, reject) => {
      waiting.push(resolve);
      child.send(command, (error) => error && reject(error));
    });
  return {
    async open(receivers) {
      const answer = await ask({ do: "open", receivers });
      const ports = "ports" in answer ? Object.entries(answer.ports) : [];
      return new Map(ports.map(([name, port]) => [name, `http://127.0.0.1:${port}/`]));
    },
    async behave(names, behaviour) {
      const receivers = Object.fromEntries(names.map((name) => [name, behaviour]));
      await ask({ do: "behave", receivers });
    },
    async read() {
      const answer = await ask({ do: "read" });
      return "arrivals" in answer ? answer.arrivals : [];
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}
