/** What every process of ours does the same way when it starts and when it is told to stop. */
import { ConfigError } from "./config.ts";
import { isDatabaseUnavailable } from "./db/client.ts";
import type { Logger } from "./log.ts";

/**
 * Aborts at the first SIGTERM or SIGINT, or when the parent that started this with an IPC channel is
 * gone. A second signal ends the process at once.
 */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("disconnect", () => stopping.abort());
  // It was gone before anybody listened.
  if (process.send !== undefined && !process.connected) stopping.abort();
  return stopping.signal;
}

/**
 * postgres.js 3.4.9 asks every new connection for the array types and leaves the answer unawaited (with
 * `fetch_types: false` its `reserve()` hangs on a new connection instead): one that breaks right then
 * would end the process. The query that wanted the connection has its own error, or goes to another.
 * Every other rejection that nobody handles still ends the process.
 */
export function surviveLostConnections(log: Logger): void {
  process.on("unhandledRejection", (reason) => {
    if (!isDatabaseUnavailable(reason)) throw reason;
    log.warn({ event: "database.connection_lost", err: reason }, "a new connection broke");
  });
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Runs a process's main function; a configuration that is not usable is told plainly, without a stack. */
export async function runMain(main: () => Promise<void>): Promise<never> {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    const text = error instanceof ConfigError ? error.message : String((error as Error).stack);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  }
}
