/** What `pnpm start` and `pnpm demo` do the same way: listen for a stop, tell failures plainly, exit. */
import { ConfigError } from "@webhook-delivery/shared/config.ts";
import { listenForStop, StopRequested, type StopRequest } from "./stop-request.ts";

/** Something that a person can put right; its message says how, and no stack is shown. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

/** `main` answers the exit code. Being asked to stop is no failure. */
export async function runCommand(main: (stop: StopRequest) => Promise<number>): Promise<never> {
  try {
    process.exit(await main(listenForStop()));
  } catch (error) {
    if (error instanceof StopRequested) process.exit(0);
    const isPlain = error instanceof CannotRun || error instanceof ConfigError;
    console.error(isPlain ? error.message : error);
    process.exit(1);
  }
}
