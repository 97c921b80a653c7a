/** A copy of examples/receivers with other work in it, put where its readers put theirs. */
import { cp, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RECEIVERS } from "./receiver-examples.ts";

interface ReceiverCopy extends AsyncDisposable {
  readonly folder: string;
}

/** The work asks `workUrl` with the delivery's id, and fails when that does not answer 2xx. */
export async function copyReceivers(workUrl: string): Promise<ReceiverCopy> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "webhook-delivery-receivers-")));
  await cp(RECEIVERS, folder, { recursive: true });
  await symlink(join(RECEIVERS, "../node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const work: readonly [string, string][] = [
    [
      "  console.log(`handled",
      `  const { ok } = await fetch("${workUrl}", { method: "POST", body: id });
  if (!ok) throw new Error("the work failed");\n`,
    ],
    [
      '    print(f"handled',
      `    import urllib.request
    urllib.request.urlopen("${workUrl}", delivery_id.encode())\n`,
    ],
  ];
  let changed = 0;
  for (const name of (await readdir(folder)).filter((one) => /\.(?:ts|py)$/.test(one))) {
    const text = await readFile(join(folder, name), "utf8");
    for (const [before, added] of work) {
      if (!text.includes(before)) continue;
      await writeFile(
        join(folder, name),
        text.replace(before, () => added + before),
      );
      changed += 1;
    }
  }
  const copies = {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  if (changed === WORKING) return copies;
  await copies[Symbol.asyncDispose]();
  throw new Error(`${changed} receivers have a place for work, not ${WORKING}`);
}

/** Of the files, hono.ts has no work of its own. */
const WORKING = 5;
