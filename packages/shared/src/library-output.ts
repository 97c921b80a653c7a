/**
 * What libraries print by themselves (ioredis and BullMQ to the console, Node.js its warnings to stderr) as
 * lines of our log, each text once: ioredis repeats some of them with every connection.
 */
import { format } from "node:util";
import type { Logger } from "./log.ts";

const MOST_REMEMBERED = 100;

// BullMQ says this of every connection; the queue's own check says it once, with the mend.
const SAID_BY_US = /^IMPORTANT! Eviction policy/;

export function logLibraryOutput(log: Logger): void {
  const said = new Set<string>();
  const takeOver = (level: "info" | "warn" | "error") => {
    return (...args: unknown[]): void => {
      const text = format(...args);
      if (SAID_BY_US.test(text) || said.has(text)) return;
      if (said.size < MOST_REMEMBERED) said.add(text);
      log[level]({ event: "library.message" }, text);
    };
  };
  Object.assign(console, {
    log: takeOver("info"),
    info: takeOver("info"),
    debug: takeOver("info"),
    trace: takeOver("info"),
    warn: takeOver("warn"),
    error: takeOver("error"),
  });
  // The only listener by then is the one of Node.js, which prints.
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message, stack }) =>
    log.warn({ event: "node.warning", name, stack }, message),
  );
}
