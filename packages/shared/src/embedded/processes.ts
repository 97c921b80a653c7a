/** What the servers in this folder need to know and say about operating system processes. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { promisify } from "node:util";

export const runProgram = promisify(execFile);

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}

/** Empty when there is no such process, and for one that has ended and waits to be reaped. */
export async function readCommandLine(pid: number): Promise<string> {
  if (!isAlive(pid)) return "";
  if (process.platform === "linux") {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return commandLine.replaceAll("\0", " ").trim();
  }
  const listing = await runProgram("ps", ["-ww", "-p", String(pid), "-o", "command="]).catch(
    () => null,
  );
  return listing?.stdout.trim() ?? "";
}

/** Free when asked; nothing reserves it, so whoever listens on it must be ready to try another. */
export async function findFreePort(): Promise<number> {
  const port = await tryListening(0);
  if (port === undefined) throw new Error("127.0.0.1 has no free port left");
  return port;
}

export async function isPortFree(port: number): Promise<boolean> {
  return (await tryListening(port)) !== undefined;
}

function tryListening(port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      hasCode(error, "EADDRINUSE") ? resolve(undefined) : reject(error),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}

/** The end of a server's own log, for the message of a start that failed. */
export async function readLastLines(file: string, count = 15): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
