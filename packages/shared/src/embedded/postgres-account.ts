/**
 * PostgreSQL refuses to run as root, so a root process runs it as an account that has no rights and
 * exists everywhere. No account is ever created.
 */
import { chown, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./processes.ts";

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Only what PostgreSQL needs: the caller's PGDATA, PGPORT or PGOPTIONS must not reach it, and UTC
 * becomes the time zone of every cluster it makes.
 */
export const SERVER_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
  TZ: "UTC",
} as const;

/**
 * Undefined when this process is not root: it then runs PostgreSQL as itself. A cluster that exists
 * keeps its owner, so one that a person made stays usable after a start as root.
 */
export async function chooseAccount(cluster: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(cluster).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return findNobody();
}

async function findNobody(): Promise<Account> {
  const accounts = await readFile("/etc/passwd", "utf8");
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(accounts) ?? [];
  if (uid === undefined || gid === undefined) {
    throw new Error(
      "PostgreSQL does not run as root and /etc/passwd has no account `nobody` to run it as. " +
        "Start as another user, or set DATABASE_URL.",
    );
  }
  // macOS writes nobody as -2; the system calls want it unsigned.
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}

/**
 * Tried for real, by a process of that account, because modes, mounts and access control lists each
 * have a say in it.
 */
export async function canKeepFilesIn(folder: string, account: Account): Promise<boolean> {
  const probe = await mkdtemp(join(folder, "probe-"));
  try {
    await chown(probe, account.uid, account.gid);
    await runProgram("/bin/sh", ["-c", 'cd "$1" && : > "$1/file"', "sh", probe], { ...account });
    return true;
  } catch {
    return false;
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}
