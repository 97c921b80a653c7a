/**
 * A real PgBouncer in transaction mode before the test servers' PostgreSQL: few server connections for
 * many clients, and nothing allowed that its own defaults do not allow.
 */
import { chmod, chown, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connectDatabase } from "../db/client.ts";
import { fetchDebianProgram, PROGRAMS_FOLDER, runs } from "../embedded/debian-program.ts";
import { endProcess, spawnDetached } from "../embedded/detached-process.ts";
import { chooseAccount, SERVER_ENVIRONMENT } from "../embedded/postgres-account.ts";
import { findFreePort, readLastLines } from "../embedded/processes.ts";

export interface PgBouncer extends AsyncDisposable {
  /** Of the same database, through the pooler. */
  readonly url: string;
}

const SERVER_CONNECTIONS = 6;
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), "pgbouncer-"));
  // Like PostgreSQL it refuses to run as root, and the account it then runs as must be able to enter.
  await chmod(folder, 0o755);
  const account = await chooseAccount(join(folder, "none"));
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  const program = await findPgBouncer(folder);
  const port = await findFreePort();
  const configFile = join(folder, "pgbouncer.ini");
  await writeFile(configFile, describeConfig(new URL(databaseUrl), port));
  const logFile = join(folder, "pgbouncer.log");
  const pooler = await spawnDetached({
    program,
    args: [configFile],
    folder,
    logFile,
    environment: SERVER_ENVIRONMENT,
    account,
  });
  const stop = async (): Promise<void> => {
    await endProcess(pooler, { ask: "SIGINT", force: "SIGKILL", withinMs: 3_000 });
    await rm(folder, { recursive: true, force: true });
  };
  const target = new URL(databaseUrl);
  target.host = `127.0.0.1:${port}`;
  if (!(await answers(target.href))) {
    const log = await readLastLines(logFile);
    await stop();
    throw new Error(`PgBouncer did not start:\n${log}`);
  }
  return { url: target.href, [Symbol.asyncDispose]: stop };
}

/** On PATH, or a copy of the unpacked one where any account may read it. */
async function findPgBouncer(folder: string): Promise<string> {
  if (await runs("pgbouncer")) return "pgbouncer";
  const wanted = { name: "pgbouncer", packages: ["pgbouncer"] };
  const program = await fetchDebianProgram(PROGRAMS_FOLDER, wanted);
  const copy = join(folder, "program");
  await cp(dirname(program), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, "pgbouncer");
}

function describeConfig({ hostname, port, username, password }: URL, listenPort: number): string {
  const login = [`user=${username}`, ...(password === "" ? [] : [`password=${password}`])];
  return [
    "[databases]",
    `* = host=${hostname} port=${port} ${login.join(" ")}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${listenPort}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    "max_client_conn = 300",
    `default_pool_size = ${SERVER_CONNECTIONS}`,
    "",
  ].join("\n");
}

async function answers(url: string): Promise<boolean> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    const sql = connectDatabase({
      url,
      applicationName: "tests",
      maxConnections: 1,
      prepares: false,
    });
    try {
      await sql`select 1`;
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
  return false;
}
