/**
 * A real PostgreSQL for machines that have none: for development and tests, never for production.
 *
 * Guarantees: the cluster is kept between starts and only ever appears whole; the server listens on
 * 127.0.0.1 alone, behind a random password; one process owns a running server at a time. When the
 * owner is killed its server goes on, and the next start on the same folder takes that server over
 * (with the port and settings it already has). A start that finds a living owner fails and says whose
 * it is. Stopping is the owner's job: nothing here reacts to signals.
 */
import { randomBytes } from "node:crypto";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readOrCreateFile } from "./kept-file.ts";
import { findBinaries, type Binaries } from "./postgres-binaries.ts";
import { ensureCluster } from "./postgres-cluster.ts";
import { findHome, type Home } from "./postgres-home.ts";
import { findRunningPostmaster, spawnPostmaster, type Postmaster } from "./postgres-process.ts";
import { claimServer, DATABASE, type Claim, type OwnerSession } from "./postgres-session.ts";
import { findFreePort, isPortFree, readLastLines } from "./processes.ts";

export interface EmbeddedPostgres {
  /** Connects as the superuser to the database `webhook_delivery`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server is gone. Calling it again changes nothing. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly folder: string;
  /** Default: the port of the last start when it is free, else any free one. */
  readonly port?: number;
  /** PostgreSQL settings, such as `{ fsync: "off" }` for a cluster nobody will miss. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
  /** Where things go that PostgreSQL could not reach in `folder`; used by root only. */
  readonly shelter?: string;
}

const DEFAULT_SHELTER = "/var/lib/webhook-delivery";
/** Recovery after a crash comes before the first connection and may take a while. */
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;
/** A lost race for the cluster or the port is settled by trying again. */
const START_ATTEMPTS = 3;
const LOG_FILE_LIMIT_BYTES = 10_000_000;

export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { settings = {}, log = () => undefined, shelter = DEFAULT_SHELTER } = options;
  const folder = resolve(options.folder);
  const home = await findHome({ folder, shelter });
  if (home.folder !== folder) log(`PostgreSQL keeps its data in ${home.folder}`);

  const binaries = await findBinaries({ account: home.account, shelter });
  const password = readOrCreateFile(join(home.folder, "password"), () =>
    randomBytes(24).toString("base64url"),
  );
  const cluster = await ensureCluster({
    home,
    binaries,
    password,
    isDurable: settings["fsync"] !== "off",
    onCreate: () => log("Creating the PostgreSQL cluster (once)"),
  });
  const server = { home, binaries, password, cluster, settings, port: options.port, log };
  const { postmaster, session } = await startOrTakeOver(server);
  await writeFile(join(home.folder, "port"), String(postmaster.port));
  return describeServer({ postmaster, session, password });
}

interface Server {
  readonly home: Home;
  readonly binaries: Binaries;
  readonly password: string;
  readonly cluster: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  readonly log: (line: string) => void;
}

interface OwnedPostmaster {
  readonly postmaster: Postmaster;
  readonly session: OwnerSession;
}

async function startOrTakeOver(server: Server): Promise<OwnedPostmaster> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const running = await findRunningPostmaster(server.cluster);
    const postmaster = running ?? (await spawnHere(server));
    const claim = await waitForClaim(server, postmaster);
    if (claim?.state === "owned") {
      if (running) server.log(`Took over PostgreSQL, left running as process ${running.pid}`);
      return { postmaster, session: claim.session };
    }
    if (!claim) continue;
    // Nobody could use what was started here; one in use is its owner's.
    if (!running && claim.state !== "inUse") await postmaster.stop();
    throw new Error(await describeClaim(server, postmaster, claim));
  }
  throw new Error(`PostgreSQL did not start. ${await describeLog(server.home)}`);
}

async function spawnHere(server: Server): Promise<Postmaster> {
  const { binaries, cluster, home } = server;
  const logFile = logFileOf(home);
  const logSize = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (logSize > LOG_FILE_LIMIT_BYTES) await truncate(logFile);
  const port = server.port ?? (await choosePort(home));
  const settings = {
    max_connections: "200",
    ...server.settings,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
  };
  const { postgres } = binaries;
  return spawnPostmaster({ postgres, cluster, account: home.account, port, settings, logFile });
}

/** Undefined: the postmaster is gone again. */
async function waitForClaim(server: Server, postmaster: Postmaster): Promise<Claim | undefined> {
  const { password, cluster } = server;
  const deadline = Date.now() + READY_WITHIN_MS;
  while (await postmaster.isRunning()) {
    const claim: Claim = (await postmaster.isListening())
      ? await claimServer({ port: postmaster.port, password, cluster })
      : { state: "notReady" };
    if (claim.state !== "notReady" || Date.now() > deadline) return claim;
    await delay(LOOK_EVERY_MS);
  }
  return undefined;
}

async function choosePort(home: Home): Promise<number> {
  const lastPort = Number(await readFile(join(home.folder, "port"), "utf8").catch(() => ""));
  const isUsable = Number.isInteger(lastPort) && lastPort > 0 && lastPort < 65_536;
  return isUsable && (await isPortFree(lastPort)) ? lastPort : findFreePort();
}

function describeServer(owned: OwnedPostmaster & { password: string }): EmbeddedPostgres {
  const { postmaster, session, password } = owned;
  // The session goes last: until the server is gone, nobody else should take it over.
  const stopOnce = async () => {
    await postmaster.stop();
    await session.close();
  };
  let stopped: Promise<void> | undefined;
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${postmaster.port}/${DATABASE}`,
    port: postmaster.port,
    pid: postmaster.pid,
    stop: () => (stopped ??= stopOnce()),
  };
}

function logFileOf(home: Home): string {
  return join(home.folder, "server.log");
}

async function describeClaim(
  { home, cluster }: Server,
  { pid }: Postmaster,
  claim: Exclude<Claim, { state: "owned" }>,
): Promise<string> {
  const server = `The PostgreSQL on ${cluster} (process ${pid})`;
  if (claim.state === "inUse") {
    return `${server} is in use by ${claim.owner}. Stop that first, or set DATABASE_URL.`;
  }
  if (claim.state === "wrongPassword") {
    const file = join(home.folder, "password");
    return (
      `${server} does not accept the password in ${file}. ` +
      "Restore that file, or remove the whole folder to begin anew."
    );
  }
  return `${server} does not answer. ${await describeLog(home)}`;
}

async function describeLog(home: Home): Promise<string> {
  const file = logFileOf(home);
  return `The end of its log, ${file}:\n${await readLastLines(file)}`;
}
