/** Where ingest will listen: looked at beforehand, so that a port in use is one line and not a stack. */
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "@webhook-delivery/shared/embedded/processes.ts";
import { CannotRun } from "./run-command.ts";

export interface Listener {
  readonly host: string;
  readonly port: number;
}

/** The services of a start that was killed need about a second to notice and go. */
const FREED_WITHIN_MS = 4_000;
const LOOK_EVERY_MS = 100;
const ANY_ADDRESS = new Set(["0.0.0.0", "::"]);
/** It is reached from everywhere, not only from this machine. */
export function isAnyAddress(host: string): boolean {
  return ANY_ADDRESS.has(host);
}

export function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

const THIS_MACHINE = new Set([...ANY_ADDRESS, "127.0.0.1", "::1", "localhost"]);

/** Port 0 becomes a free one, since whoever waits for ingest must know where it is. */
export async function chooseListener({ host, port }: Listener, signal: AbortSignal) {
  if (port === 0) return { host, port: await findFreePort() };
  const deadline = performance.now() + FREED_WITHIN_MS;
  for (;;) {
    const code = await tryListening({ host, port });
    if (code === undefined) return { host, port };
    if (code !== "EADDRINUSE" || performance.now() > deadline) {
      throw new CannotRun(explain({ host, port }, code));
    }
    await delay(LOOK_EVERY_MS);
    signal.throwIfAborted();
  }
}

/** As a person on this machine would open it. */
export function originOf({ host, port }: Listener): string {
  if (THIS_MACHINE.has(host)) return `http://localhost:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** As a process on this machine reaches exactly this listener, whoever else answers to `localhost`. */
export function exactOriginOf({ host, port }: Listener): string {
  if (!THIS_MACHINE.has(host) || host === "localhost") return originOf({ host, port });
  return host.includes(":") ? `http://[::1]:${port}` : `http://127.0.0.1:${port}`;
}

/** The code of what is in the way. */
function tryListening({ host, port }: Listener): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function explain({ host, port }: Listener, code: string): string {
  if (code === "EADDRINUSE") {
    return (
      `Port ${port} is in use (${host}:${port}). Stop what listens there, ` +
      `or choose another port: PORT=${port + 1} npx -y pnpm@12 start`
    );
  }
  if (code === "EACCES") {
    return `This user may not listen on port ${port}. Choose another: PORT=3000 npx -y pnpm@12 start`;
  }
  return `HOST=${host} PORT=${port} is no address to listen on here (${code}).`;
}
