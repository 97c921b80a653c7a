/**
 * Fetches a server program on a Debian-like machine that has none.
 *
 * The distribution's own packages (those of the server's that are missing) are downloaded and unpacked
 * into a folder of this project: nothing is installed, no service starts, no root is needed, and removing
 * the folder removes it all. Installing with apt-get would need root, write to the whole system and start
 * a service on the default port. The folder appears whole or not at all.
 */
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runProgram } from "./processes.ts";
import { buildWholeFolder } from "./whole-folder.ts";

/** Where unpacked programs are kept. */
export const PROGRAMS_FOLDER = resolve(import.meta.dirname, "../../../../.data");

export interface DebianProgram {
  /** What it is called where it is unpacked. */
  readonly name: string;
  /** The first of these that there is; a package is named like its program. */
  readonly packages: readonly string[];
}

/** A first download of the package lists over a slow line takes a minute. */
const APT_TIMEOUT_MS = 300_000;

/** The path of the unpacked program. */
export async function fetchDebianProgram(folder: string, wanted: DebianProgram): Promise<string> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, `${wanted.name}-${process.arch}`);
  const program = join(target, wanted.name);
  if (await runs(program)) return program;
  // Unpacked on another distribution, say in a container that shares this folder.
  await rm(target, { recursive: true, force: true });
  await buildWholeFolder(target, (workFolder) => unpackFromApt(workFolder, wanted));
  if (await runs(program)) return program;
  throw new Error(`${program} was unpacked but does not run`);
}

export async function runs(program: string): Promise<boolean> {
  return runProgram(program, ["--version"]).then(
    () => true,
    () => false,
  );
}

/** The machine's package lists first; they may be missing or too old, so then fresh ones of our own. */
async function unpackFromApt(workFolder: string, wanted: DebianProgram): Promise<string> {
  await runProgram("apt-get", ["--version"]);
  try {
    return await unpackAny({ workFolder, wanted, aptOptions: [] });
  } catch {
    const lists = join(workFolder, "lists");
    await mkdir(join(lists, "partial"), { recursive: true });
    const aptOptions = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${workFolder}`];
    await runAptGet(workFolder, [...aptOptions, "update"]);
    return unpackAny({ workFolder, wanted, aptOptions });
  }
}

interface Unpacking {
  readonly workFolder: string;
  readonly wanted: DebianProgram;
  readonly aptOptions: readonly string[];
}

async function unpackAny(unpacking: Unpacking): Promise<string> {
  const { packages } = unpacking.wanted;
  const failures: unknown[] = [];
  for (const name of packages) {
    try {
      return await unpackPackage(unpacking, name);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `apt-get does not offer ${packages.join(" or ")}`);
}

async function unpackPackage(
  { workFolder, wanted, aptOptions }: Unpacking,
  program: string,
): Promise<string> {
  const plan = ["--simulate", "--no-install-recommends", "install", program];
  const simulation = await runAptGet(workFolder, [...aptOptions, ...plan]);
  const packages = [...simulation.matchAll(/^Inst (\S+) \(/gm)].map(([, name]) => String(name));
  const debs = join(workFolder, `${program}-packages`);
  const root = join(workFolder, program);
  await mkdir(debs, { recursive: true });
  await mkdir(root, { recursive: true });
  await runAptGet(debs, [...aptOptions, "download", ...packages]);
  for (const deb of await readdir(debs)) await runProgram("dpkg", ["-x", join(debs, deb), root]);
  await writeLauncher(join(root, wanted.name), program);
  return root;
}

async function runAptGet(folder: string, args: readonly string[]): Promise<string> {
  // As root apt-get would work as a user who cannot enter our folder.
  const asThisUser = ["-o", "APT::Sandbox::User=root", "-q"];
  const limits = { cwd: folder, timeout: APT_TIMEOUT_MS, maxBuffer: 50_000_000 };
  const { stdout } = await runProgram("apt-get", [...asThisUser, ...args], limits);
  return stdout;
}

/** The unpacked program needs its unpacked libraries; `exec` keeps the process number. */
async function writeLauncher(launcher: string, program: string): Promise<void> {
  const script = [
    "#!/bin/sh",
    'here=$(dirname "$(readlink -f "$0")")',
    'for folder in "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-*; do',
    '  LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"',
    "done",
    "export LD_LIBRARY_PATH",
    `program="$here/usr/bin/${program}"`,
    `[ -x "$program" ] || program="$here/usr/sbin/${program}"`,
    'exec "$program" "$@"',
    "",
  ].join("\n");
  await writeFile(launcher, script);
  await chmod(launcher, 0o755);
}
