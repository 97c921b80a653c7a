/** In a process of its own: the console of this one belongs to the tests. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const SCRIPT = `
  import { createLog } from "./packages/shared/src/log.ts";
  import { logLibraryOutput } from "./packages/shared/src/library-output.ts";
  logLibraryOutput(createLog("here", "info"));
  console.error("[ioredis] Unhandled error event:", "a stack");
  console.warn("twice");
  console.warn("twice");
  console.warn('IMPORTANT! Eviction policy is allkeys-lru. It should be "noeviction"');
  process.emitWarning("careful", "CarefulWarning");
`;

// Incident: lines of ioredis and BullMQ stood in the log as plain text, which log collectors cannot read.
test("what libraries print is a line of the log, each text once", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--import",
    "tsx",
    "--input-type=module",
    "--eval",
    SCRIPT,
  ]);
  expect(stderr).toBe("");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ level, event, msg }) => [level, event, msg])).toEqual([
    [50, "library.message", "[ioredis] Unhandled error event: a stack"],
    [40, "library.message", "twice"],
    [40, "node.warning", "careful"],
  ]);
});
