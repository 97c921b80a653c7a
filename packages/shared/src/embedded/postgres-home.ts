/**
 * Decides where a cluster, its password, its log and its port live: the folder that was asked for,
 * or a shelter outside it when PostgreSQL has to run as an account that cannot enter that folder
 * (a clone below /root, say).
 *
 * The choice is made once and kept. A link named `home` in the folder leads to the shelter, tells a
 * person where the data is, and is what finds it again. Removing the folder does not remove the shelter.
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, readlink, symlink } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { canKeepFilesIn, chooseAccount, type Account } from "./postgres-account.ts";
import { hasCode } from "./processes.ts";

export interface Home {
  readonly folder: string;
  /** Undefined: PostgreSQL runs as the user who runs this process. */
  readonly account: Account | undefined;
}

export async function findHome(options: { folder: string; shelter: string }): Promise<Home> {
  const { folder, shelter } = options;
  await mkdir(folder, { recursive: true });
  const link = join(folder, "home");
  const sheltered = await readlink(link).catch(() => undefined);
  if (sheltered !== undefined) return openShelter(sheltered);

  const cluster = join(folder, "cluster");
  const account = await chooseAccount(cluster);
  if (!account || existsSync(cluster)) return { folder, account };
  if (await canKeepFilesIn(folder, account)) return { folder, account };

  await symlink(join(shelter, randomBytes(8).toString("hex")), link).catch((error: unknown) => {
    // Another start was first; its link counts.
    if (!hasCode(error, "EEXIST")) throw error;
  });
  return openShelter(await readlink(link));
}

async function openShelter(folder: string): Promise<Home> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      `The PostgreSQL data of this folder was made by root and is in ${folder}. ` +
        "Start as root again, remove the link `home` beside it to begin anew, or set DATABASE_URL.",
    );
  }
  await makePassableFolder(join(folder, ".."));
  await makePassableFolder(folder);
  return { folder, account: await chooseAccount(join(folder, "cluster")) };
}

/** Whatever this process's umask is: an account without rights must get through to what is inside. */
export async function makePassableFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}
