/**
 * A small file that is written once and then kept, readable by its owner only.
 *
 * Processes that ask at the same time all get the same content: it is written under another name and
 * linked into place, and a link never replaces what is there. A process that dies halfway leaves at
 * most a file of the other name, never a half-written one.
 */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hasCode } from "./processes.ts";

export function readOrCreateFile(path: string, create: () => string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, create(), { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, "utf8");
}
