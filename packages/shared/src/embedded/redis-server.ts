/**
 * Finds a Redis server program, or fetches one.
 *
 * On a Debian-like machine without one, the distribution's own packages (those of the server's that
 * are missing) are downloaded and unpacked into a folder of this project: nothing is installed, no
 * service starts, no root is needed, and removing the folder removes it all. Installing with apt-get
 * would need root, write to the whole system and start a service on the default port. The folder
 * appears whole or not at all.
 */
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runProgram } from "./processes.ts";
import { buildWholeFolder } from "./whole-folder.ts";

const PROGRAMS = ["redis-server", "valkey-server"] as const;
const DEFAULT_FOLDER = resolve(import.meta.dirname, "../../../../.data");
/** A first download of the package lists over a slow line takes a minute. */
const APT_TIMEOUT_MS = 300_000;

/** Answers a command to spawn: a name on PATH, or the path of an unpacked program in `folder`. */
export async function findRedisServer(folder: string = DEFAULT_FOLDER): Promise<string> {
  for (const program of PROGRAMS) if (await runs(program)) return program;
  try {
    return await fetchRedisServer(folder);
  } catch (error) {
    throw new Error(
      "There is no redis-server or valkey-server on PATH and none could be fetched. Install one " +
        "(Debian, Ubuntu: apt-get install redis-server; Fedora: dnf install valkey; " +
        "macOS: brew install redis), or set REDIS_URL to a running Redis 6.2+ or Valkey.",
      { cause: error },
    );
  }
}

/** Exported for its test: a machine with a Redis on PATH would never get here. */
export async function fetchRedisServer(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, `redis-server-${process.arch}`);
  const program = join(target, "redis-server");
  if (await runs(program)) return program;
  // Unpacked on another distribution, say in a container that shares this folder.
  await rm(target, { recursive: true, force: true });
  await buildWholeFolder(target, unpackFromApt);
  if (await runs(program)) return program;
  throw new Error(`${program} was unpacked but does not run`);
}

async function runs(program: string): Promise<boolean> {
  return runProgram(program, ["--version"]).then(
    () => true,
    () => false,
  );
}

/** The machine's package lists first; they may be missing or too old, so then fresh ones of our own. */
async function unpackFromApt(workFolder: string): Promise<string> {
  await runProgram("apt-get", ["--version"]);
  try {
    return await unpackAnyProgram(workFolder, []);
  } catch {
    const lists = join(workFolder, "lists");
    await mkdir(join(lists, "partial"), { recursive: true });
    const ownLists = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${workFolder}`];
    await runAptGet(workFolder, [...ownLists, "update"]);
    return unpackAnyProgram(workFolder, ownLists);
  }
}

async function unpackAnyProgram(workFolder: string, aptOptions: string[]): Promise<string> {
  const failures: unknown[] = [];
  for (const program of PROGRAMS) {
    try {
      return await unpackProgram({ workFolder, aptOptions, program });
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, "apt-get offers neither redis-server nor valkey-server");
}

async function unpackProgram(options: {
  workFolder: string;
  aptOptions: string[];
  program: string;
}): Promise<string> {
  const { workFolder, aptOptions, program } = options;
  const plan = ["--simulate", "--no-install-recommends", "install", program];
  const simulation = await runAptGet(workFolder, [...aptOptions, ...plan]);
  const packages = [...simulation.matchAll(/^Inst (\S+) \(/gm)].map(([, name]) => String(name));
  const debs = join(workFolder, `${program}-packages`);
  const root = join(workFolder, program);
  await mkdir(debs, { recursive: true });
  await mkdir(root, { recursive: true });
  await runAptGet(debs, [...aptOptions, "download", ...packages]);
  for (const deb of await readdir(debs)) await runProgram("dpkg", ["-x", join(debs, deb), root]);
  await writeLauncher(root, program);
  return root;
}

async function runAptGet(folder: string, args: string[]): Promise<string> {
  // As root apt-get would work as a user who cannot enter our folder.
  const asThisUser = ["-o", "APT::Sandbox::User=root", "-q"];
  const limits = { cwd: folder, timeout: APT_TIMEOUT_MS, maxBuffer: 50_000_000 };
  const { stdout } = await runProgram("apt-get", [...asThisUser, ...args], limits);
  return stdout;
}

/** The unpacked program needs its unpacked libraries; `exec` keeps the process number. */
async function writeLauncher(root: string, program: string): Promise<void> {
  const launcher = join(root, "redis-server");
  const script = [
    "#!/bin/sh",
    'here=$(dirname "$(readlink -f "$0")")',
    'for folder in "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-*; do',
    '  LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"',
    "done",
    "export LD_LIBRARY_PATH",
    `exec "$here/usr/bin/${program}" "$@"`,
    "",
  ].join("\n");
  await writeFile(launcher, script);
  await chmod(launcher, 0o755);
}
