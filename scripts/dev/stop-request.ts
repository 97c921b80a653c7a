/**
 * When the newcomer's commands stop: Ctrl-C, SIGTERM, a closed terminal, or launchers that are gone.
 * Asked once, everything ends in good order; asked again, services in flight are cut off; a third time,
 * this process ends at once and leaves its servers to the next start, which takes them over.
 */
import { setTimeout as delay } from "node:timers/promises";
import { findLaunchers, isStillRunning } from "./launchers.ts";

export interface StopRequest {
  /** Aborts at the first request; its reason is a `StopRequested`. */
  readonly signal: AbortSignal;
  /** Aborts when somebody insists. */
  readonly forced: AbortSignal;
}

export class StopRequested extends Error {
  override readonly name = "StopRequested";
}

/** One Ctrl-C can arrive several times: from the terminal, and passed on by npx and pnpm. */
const ONE_REQUEST_MS = 1_000;
const LOOK_EVERY_MS = 1_000;

export function listenForStop(): StopRequest {
  const stopping = new AbortController();
  const forcing = new AbortController();
  let ignoredUntil = 0;
  const request = (why: string): void => {
    if (performance.now() < ignoredUntil) return;
    ignoredUntil = performance.now() + ONE_REQUEST_MS;
    if (forcing.signal.aborted) process.exit(1);
    if (stopping.signal.aborted) forcing.abort();
    else stopping.abort(new StopRequested(why));
  };
  process.on("SIGINT", () => request("Ctrl-C"));
  process.on("SIGTERM", () => request("SIGTERM"));
  process.on("SIGHUP", () => request("the terminal was closed"));
  // A terminal or pipe that is gone must not end this process before it has stopped the others.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  void watchLaunchers(stopping.signal, request);
  return { signal: stopping.signal, forced: forcing.signal };
}

async function watchLaunchers(signal: AbortSignal, request: (why: string) => void): Promise<void> {
  const launchers = await findLaunchers();
  while (launchers.length > 0 && !signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { ref: false });
    const running = await Promise.all(launchers.map(isStillRunning));
    if (running.includes(false)) request("the command that started this is gone");
  }
}
