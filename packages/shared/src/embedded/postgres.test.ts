import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { canKeepFilesIn } from "./postgres-account.ts";
import { copyBinaries, findInstalledBinaries } from "./postgres-binaries.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "./postgres.ts";
import { isAlive, readCommandLine, runProgram } from "./processes.ts";

const isRoot = process.getuid?.() === 0;
const settings = { fsync: "off", shared_buffers: "16MB" };
// One for all tests: it holds a copy of the programs where this checkout is itself root-only.
const sharedShelter = await mkdtemp(join(tmpdir(), "embedded-postgres-shelter-"));
const cleanups: (() => unknown)[] = [];

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

afterAll(() => rm(sharedShelter, { recursive: true }));

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "embedded-postgres-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** A folder as `.data/postgres` is: everyone may pass through to it. */
async function makeOpenFolder(): Promise<string> {
  const folder = await makeFolder();
  await runProgram("chmod", ["755", folder]);
  return folder;
}

async function start(folder: string, port?: number): Promise<EmbeddedPostgres> {
  const given = port === undefined ? {} : { port };
  const server = await startEmbeddedPostgres({
    folder,
    settings,
    shelter: sharedShelter,
    ...given,
  });
  cleanups.push(() => server.stop());
  return server;
}

async function query<Row>(url: string, text: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe<Row[]>(text);
  } finally {
    await sql.end();
  }
}

/** Another process that starts the server and waits to be killed. */
function spawnOwner(folder: string) {
  const module = JSON.stringify(new URL("postgres.ts", import.meta.url).href);
  const script = `
    import { startEmbeddedPostgres } from ${module};
    const options = ${JSON.stringify({ folder, settings, shelter: sharedShelter })};
    const { pid } = await startEmbeddedPostgres({ ...options, log: console.log });
    console.log("pid", pid);`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => owner.kill("SIGKILL"));
  return owner;
}

test("starts on an empty folder, keeps the data over a restart and comes back on its port", async () => {
  const folder = await makeOpenFolder();
  const first = await start(folder);
  await query(first.url, "create table kept as select 'Grüße' as text");
  await Promise.all([first.stop(), first.stop()]);
  expect(isAlive(first.pid)).toBe(false);

  const second = await start(folder);
  expect(second.port).toBe(first.port);
  expect(await query(second.url, "select upper(text) as text from kept")).toEqual([
    { text: "GRÜßE" },
  ]);
  expect((await stat(join(folder, "password"))).mode & 0o777).toBe(0o600);
  expect(
    await query(
      second.url,
      `select current_setting('max_connections') as connections, current_setting('fsync') as fsync,
         current_setting('listen_addresses') as addresses,
         current_setting('unix_socket_directories') as sockets, current_setting('TimeZone') as zone`,
    ),
  ).toEqual([
    { connections: "200", fsync: "off", addresses: "127.0.0.1", sockets: "", zone: "UTC" },
  ]);
});

test("takes over the server of an owner that was killed, and stops it in the end", async () => {
  const folder = await makeOpenFolder();
  const owner = spawnOwner(folder);
  let output = "";
  owner.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await vi.waitFor(() => expect(output).toMatch(/pid \d+\n/), { timeout: 20_000 });
  const pid = Number(/pid (\d+)/.exec(output)?.[1]);

  await expect(start(folder)).rejects.toThrow(`is in use by process ${owner.pid}`);
  owner.kill("SIGKILL");
  await once(owner, "exit");
  expect(isAlive(pid)).toBe(true);

  const heir = await start(folder);
  expect(heir.pid).toBe(pid);
  expect(await query(heir.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await heir.stop();
  // Its number may wait for init to reap it, but nothing runs there any more.
  expect(await readCommandLine(pid)).toBe("");
});

test("is not hindered by a lock file whose process number now belongs to another program", async () => {
  const folder = await makeOpenFolder();
  const first = await start(folder);
  const lockFile = join(folder, "cluster", "postmaster.pid");
  const lock = await readFile(lockFile, "utf8");
  process.kill(first.pid, "SIGKILL");
  await first.stop();

  const { uid, gid } = await stat(join(folder, "cluster"));
  const stranger = spawn("sleep", ["60"], { uid, gid, stdio: "ignore" });
  cleanups.push(() => stranger.kill());
  await writeFile(lockFile, lock.replace(/^\d+/, String(stranger.pid)));

  const second = await start(folder);
  expect(await query(second.url, "select 1 as one")).toEqual([{ one: 1 }]);
  expect(stranger.exitCode).toBeNull();
});

test("makes the cluster afresh when its making was cut off", async () => {
  const folder = await makeOpenFolder();
  const maker = spawnOwner(folder);
  await vi.waitFor(async () => expect(await findUnfinishedCluster(folder)).toBe(true), {
    timeout: 10_000,
    interval: 5,
  });
  maker.kill("SIGKILL");
  await once(maker, "exit");
  expect(existsSync(join(folder, "cluster"))).toBe(false);

  const server = await start(folder);
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
});

async function findUnfinishedCluster(folder: string): Promise<boolean> {
  const draft = (await readdir(folder)).find((name) => name.startsWith("cluster.unfinished-"));
  return draft !== undefined && existsSync(join(folder, draft, "cluster", "global"));
}

test("gives a cluster to exactly one of two starts at once", async () => {
  const folder = await makeOpenFolder();
  const starts = await Promise.allSettled([start(folder), start(folder)]);
  expect(starts.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const refused = starts.find((started) => started.status === "rejected");
  expect(String(refused?.reason)).toContain("is in use by process");
});

test("names the lost password and leaves no server behind", async () => {
  const folder = await makeOpenFolder();
  const first = await start(folder);
  await first.stop();
  await rm(join(folder, "password"));
  await expect(start(folder)).rejects.toThrow(/does not accept the password in .*Restore/s);
  expect(existsSync(join(folder, "cluster", "postmaster.pid"))).toBe(false);
});

test("shows the end of the server's log when it does not start", async () => {
  const folder = await makeOpenFolder();
  const other = await start(await makeOpenFolder());
  await expect(start(folder, other.port)).rejects.toThrow(/log, .*Address already in use/s);
});

test.runIf(isRoot)("shelters the cluster of a folder that only root may enter", async () => {
  const folder = join(await makeFolder(), "postgres");
  const shelter = await makeFolder();
  const options = { folder, settings, shelter };
  const first = await startEmbeddedPostgres(options);
  cleanups.push(() => first.stop());
  await query(first.url, "create table kept as select 1 as one");
  await first.stop();
  const home = await readlink(join(folder, "home"));
  expect(home.startsWith(shelter)).toBe(true);
  expect(await readdir(folder)).toEqual(["home"]);

  const second = await startEmbeddedPostgres(options);
  cleanups.push(() => second.stop());
  expect(await query(second.url, "select one from kept")).toEqual([{ one: 1 }]);
  const clusters = (await readdir(shelter)).filter((name) => !name.startsWith("postgresql-"));
  expect(clusters).toHaveLength(1);
});

test.runIf(isRoot)("copies programs that an account without rights can then run", async () => {
  const account = { uid: 65_534, gid: 65_534 };
  const shelter = await makeFolder();
  expect(await canKeepFilesIn(shelter, account)).toBe(false);
  const installed = await findInstalledBinaries();
  const [copy] = await Promise.all([1, 2].map(() => copyBinaries({ ...installed, shelter })));
  const { stdout } = await runProgram(copy?.initdb ?? "", ["--version"], { cwd: "/", ...account });
  expect(stdout).toContain("initdb (PostgreSQL)");
  expect(await readdir(shelter)).toHaveLength(1);
});
