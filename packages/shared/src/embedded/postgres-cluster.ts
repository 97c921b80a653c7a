/** Makes the cluster on first use: whole or not at all, see whole-folder.ts. */
import { chown, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SERVER_ENVIRONMENT } from "./postgres-account.ts";
import type { Binaries } from "./postgres-binaries.ts";
import type { Home } from "./postgres-home.ts";
import { runProgram } from "./processes.ts";
import { buildWholeFolder } from "./whole-folder.ts";

/** Answers the cluster's real path. */
export async function ensureCluster(options: {
  home: Home;
  binaries: Binaries;
  password: string;
  /** False spares the wait for the disk, for clusters that nobody will miss. */
  isDurable: boolean;
  onCreate: () => void;
}): Promise<string> {
  const { home, binaries, password, isDurable, onCreate } = options;
  const cluster = join(home.folder, "cluster");
  await buildWholeFolder(cluster, async (workFolder) => {
    onCreate();
    const draft = join(workFolder, "cluster");
    const passwordFile = join(workFolder, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (home.account) {
      await chown(passwordFile, home.account.uid, home.account.gid);
      await chown(workFolder, home.account.uid, home.account.gid);
    }
    await runProgram(
      binaries.initdb,
      [
        `--pgdata=${draft}`,
        "--username=postgres",
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // The builtin provider sorts and folds case alike on every operating system.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        ...(isDurable ? [] : ["--no-sync"]),
      ],
      { env: SERVER_ENVIRONMENT, cwd: workFolder, ...home.account },
    );
    return draft;
  });
  return realpath(cluster);
}
