/**
 * Where the service of `pnpm start` listens, kept for the command line for as long as it runs. A start
 * that was killed leaves its file behind: it is not believed, because its process is gone. Nothing
 * depends on the file; where it cannot be written, people give the address themselves.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode, isAlive } from "./processes.ts";

const FILE = "running-service.json";

interface Kept {
  readonly url: string;
  /** Of the process that keeps it running. */
  readonly pid: number;
}

/** Until it is disposed of. A second start beside it wins, and its file stays. */
export function keepRunningService(folder: string, url: string): Disposable {
  const kept: Kept = { url, pid: process.pid };
  const path = join(folder, FILE);
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(draft, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    if (!UNWRITABLE.some((code) => hasCode(error, code))) throw error;
  }
  return {
    [Symbol.dispose]() {
      if (readKept(path)?.pid === process.pid) rmSync(path, { force: true });
    },
  };
}

/** Undefined: none runs, or none that this user may know of. */
export function findRunningService(folder: string): string | undefined {
  const kept = readKept(join(folder, FILE));
  return kept !== undefined && isAlive(kept.pid) ? kept.url : undefined;
}

const UNWRITABLE = ["EACCES", "EPERM", "EROFS"];

function readKept(path: string): Kept | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "EACCES")) return undefined;
    throw error;
  }
  try {
    const { url, pid }: Record<string, unknown> = JSON.parse(text);
    return typeof url === "string" && typeof pid === "number" ? { url, pid } : undefined;
  } catch {
    return undefined;
  }
}
