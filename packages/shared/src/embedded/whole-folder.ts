/**
 * Makes a folder appear whole or not at all.
 *
 * The work happens in a folder of its own beside the target and is renamed into place at the end, so
 * a process that dies halfway leaves nothing that the next one could mistake for a result. Two
 * processes may build the same target at once: the first rename wins and the other's work is dropped.
 * What a dead process left behind is swept away by the next build of the same target.
 */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode, isAlive } from "./processes.ts";

/** `build` gets an empty work folder (mode 0700) and answers which path in it becomes the target. */
export async function buildWholeFolder(
  target: string,
  build: (workFolder: string) => Promise<string>,
): Promise<void> {
  await sweepUnfinished(target);
  if (existsSync(target)) return;
  const workFolder = await mkdtemp(`${target}.unfinished-${process.pid}-`);
  try {
    await rename(await build(workFolder), target);
  } catch (error) {
    const isBuiltByAnother = hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST");
    if (!isBuiltByAnother) throw error;
  } finally {
    await removeFolder(workFolder);
  }
}

async function sweepUnfinished(target: string): Promise<void> {
  const prefix = `${basename(target)}.unfinished-`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const builder = Number.parseInt(name.slice(prefix.length), 10);
    if (!isAlive(builder)) await removeFolder(join(dirname(target), name));
  }
}

/**
 * A child of the dead builder may still be writing there. It can hurt nobody, so a folder that does
 * not want to go is left to the next sweep.
 */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}
