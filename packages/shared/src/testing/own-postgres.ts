/**
 * The machine's own PostgreSQL, for tests of programs that the embedded one comes without (pg_dump takes no
 * newer server than itself). Trusts whoever comes from this machine, and is thrown away at the end.
 */
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runs } from "../embedded/debian-program.ts";
import { chooseAccount, SERVER_ENVIRONMENT } from "../embedded/postgres-account.ts";
import { spawnPostmaster } from "../embedded/postgres-process.ts";
import { findFreePort, readLastLines, runProgram } from "../embedded/processes.ts";

export interface OwnPostgres extends AsyncDisposable {
  /** Connects as the superuser `postgres`. */
  readonly url: string;
  /** Of the programs, for PATH. */
  readonly programs: string;
}

/** Where Debian keeps them, each version in a folder of its own. */
const VERSIONS = "/usr/lib/postgresql";
const PROGRAMS = ["initdb", "pg_dump", "pg_restore", "postgres"] as const;
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** Undefined: this machine has none. */
export async function findOwnPostgres(): Promise<string | undefined> {
  const versions = await readdir(VERSIONS).catch(() => []);
  for (const version of versions.toSorted((a, b) => Number(b) - Number(a))) {
    const folder = join(VERSIONS, version, "bin");
    const answers = await Promise.all(PROGRAMS.map((name) => runs(join(folder, name))));
    if (answers.every(Boolean)) return folder;
  }
  return undefined;
}

export async function startOwnPostgres(programs: string): Promise<OwnPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "own-postgres-"));
  const cluster = join(folder, "cluster");
  // PostgreSQL refuses to run as root, and the account it then runs as must be able to enter.
  await chmod(folder, 0o755);
  const account = await chooseAccount(join(folder, "none"));
  await mkdir(cluster, { mode: 0o700 });
  if (account !== undefined) {
    await chown(folder, account.uid, account.gid);
    await chown(cluster, account.uid, account.gid);
  }
  await runProgram(
    join(programs, "initdb"),
    [
      "--pgdata",
      cluster,
      "--username=postgres",
      "--auth=trust",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
    ],
    { env: SERVER_ENVIRONMENT, cwd: folder, ...account },
  );
  const port = await findFreePort();
  const logFile = join(folder, "server.log");
  const postmaster = await spawnPostmaster({
    postgres: join(programs, "postgres"),
    cluster,
    account,
    port,
    settings: { listen_addresses: "127.0.0.1", unix_socket_directories: "", fsync: "off" },
    logFile,
  });
  const stop = async (): Promise<void> => {
    await postmaster.stop();
    await rm(folder, { recursive: true });
  };
  const until = performance.now() + READY_WITHIN_MS;
  while (!(await postmaster.isListening())) {
    if (performance.now() > until || !(await postmaster.isRunning())) {
      const log = await readLastLines(logFile);
      await stop();
      throw new Error(`PostgreSQL of this machine did not start:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    programs,
    [Symbol.asyncDispose]: stop,
  };
}
