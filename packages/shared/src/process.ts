/** What every process of ours does the same way when it starts and when it is told to stop. */
import { ConfigError } from "./config.ts";
import { isDatabaseUnavailable } from "./db/client.ts";
import { UnsuitableDatabaseError } from "./db/unsuitable.ts";
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
 * A lost database connection must not end the process, although nobody handles it: postgres.js 3.4.9 asks
 * every new connection for the array types and leaves the answer unawaited (with `fetch_types: false` its
 * `reserve()` hangs on a new connection instead). Whoever wanted something of that connection has an error of
 * its own. Everything else that nobody handles still ends the process.
 */
export function surviveLostConnections(log: Logger): void {
  const survive = (error: unknown): void => {
    if (isDatabaseUnavailable(error)) {
      log.warn({ event: "database.connection_lost", err: error }, "a connection broke");
      return;
    }
    log.fatal({ event: "process.failed", err: error }, "an error that nobody handled");
    process.exit(1);
  };
  process.on("unhandledRejection", survive);
  process.on("uncaughtException", survive);
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Runs a process's main function; what its operator must mend is told plainly, without a stack. */
export async function runMain(main: () => Promise<void>): Promise<never> {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    const isForOperators = error instanceof ConfigError || error instanceof UnsuitableDatabaseError;
    const text = isForOperators ? error.message : String((error as Error).stack);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  }
}
