/**
 * The package manager processes that started this one (npx, its shell, pnpm, its shell), and whether
 * they still run. They pass on Ctrl-C, but killed with SIGKILL, or npx with SIGTERM, they tell nobody;
 * without looking at them the services would go on with nobody left to stop them.
 *
 * Started without a package manager, there is nothing to watch: a shell or a supervisor that goes away
 * says what it wants with a signal.
 */
import { readFile } from "node:fs/promises";
import {
  isAlive,
  readCommandLine,
  runProgram,
} from "@webhook-delivery/shared/embedded/processes.ts";

const SHELL_COMMAND = /^\S*sh -c /;
const PACKAGE_MANAGER = /(?:^|[\s/\\])(?:npx|npm|pnpm)(?:-cli)?(?:\.[cm]?js)?(?:\s|$)/;
/** npx, shell, pnpm, shell are four; `pnpm` scripts that call each other are a few more. */
const MOST_LAUNCHERS = 12;

/** Process numbers, the nearest first. */
export async function findLaunchers(): Promise<number[]> {
  const launchers: number[] = [];
  let managers = 0;
  let pid = process.ppid;
  while (launchers.length < MOST_LAUNCHERS && pid > 1) {
    const kind = kindOfLauncher(await readCommandLine(pid));
    if (kind === undefined) break;
    launchers.push(pid);
    // A shell above the last package manager is the caller's own.
    if (kind === "packageManager") managers = launchers.length;
    pid = await readParent(pid);
  }
  return launchers.slice(0, managers);
}

export function kindOfLauncher(commandLine: string): "shell" | "packageManager" | undefined {
  if (SHELL_COMMAND.test(commandLine)) return "shell";
  return PACKAGE_MANAGER.test(commandLine) ? "packageManager" : undefined;
}

export async function isStillRunning(pid: number): Promise<boolean> {
  // Nobody may have reaped it yet; elsewhere than on Linux, finding that out takes a process each time.
  return process.platform === "linux" ? (await readCommandLine(pid)) !== "" : isAlive(pid);
}

async function readParent(pid: number): Promise<number> {
  if (process.platform === "linux") {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name before it stands in parentheses and may hold anything.
    return Number(stat.slice(stat.lastIndexOf(")") + 1).split(" ")[2]);
  }
  const listing = await runProgram("ps", ["-p", String(pid), "-o", "ppid="]).catch(() => undefined);
  return Number(listing?.stdout);
}
