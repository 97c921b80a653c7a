/** The database of a stack: the one that is given, or an embedded one for as long as it is needed. */
import { setTimeout as delay } from "node:timers/promises";
import { SAMPLE_LEAD } from "@webhook-delivery/shared/core/lead.ts";
import {
  connectDatabase,
  isDatabaseUnavailable,
  type Sql,
} from "@webhook-delivery/shared/db/client.ts";
import { readConnectionUrl } from "@webhook-delivery/shared/db/connection-url.ts";
import { findLead, upsertLead } from "@webhook-delivery/shared/db/leads.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { isAlive } from "@webhook-delivery/shared/embedded/processes.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { CannotRun } from "./run-command.ts";

export interface EmbeddedDatabase {
  readonly folder: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface DatabaseInUse {
  readonly url: string;
  /** Resolves, with a sentence, when an embedded server has ended by itself. */
  readonly ended: Promise<string>;
}

interface Context {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const LOOK_EVERY_MS = 1_000;
const TRY_EVERY_MS = 1_000;
const SAY_EVERY_TRIES = 5;
const NEVER = new Promise<never>(() => {});

export async function withDatabase<T>(
  source: EmbeddedDatabase | string,
  { signal, say }: Context,
  work: (database: DatabaseInUse) => Promise<T>,
): Promise<T> {
  if (typeof source === "string") return work({ url: source, ended: NEVER });
  const server = await startServer(source, { signal, say });
  const watching = new AbortController();
  try {
    signal.throwIfAborted();
    return await work({ url: server.url, ended: untilGone(server.pid, watching.signal) });
  } finally {
    watching.abort();
    await server.stop();
  }
}

async function startServer(source: EmbeddedDatabase, { signal, say }: Context) {
  // Imported here because production installs leave its binaries out.
  const { startEmbeddedPostgres } = await import("@webhook-delivery/shared/embedded/postgres.ts");
  try {
    return await startEmbeddedPostgres({ ...source, log: say });
  } catch (error) {
    // Ctrl-C in a terminal also ends the program that was just making the cluster.
    signal.throwIfAborted();
    throw new CannotRun((error as Error).message, { cause: error });
  }
}

async function untilGone(pid: number, watching: AbortSignal): Promise<string> {
  while (isAlive(pid)) await delay(LOOK_EVERY_MS, undefined, { ref: false });
  if (watching.aborted) return NEVER;
  return `PostgreSQL (process ${pid}) ended by itself`;
}

/** Waits until the database is there, and brings it up to date. */
export async function prepareDatabase(
  database: { readonly url: string; readonly isDevelopment: boolean },
  { signal, say }: Context,
): Promise<void> {
  const sql = connectDatabase({
    url: database.url,
    applicationName: "webhook-delivery start",
    maxConnections: 1,
  });
  const prepareOnce = async (): Promise<void> => {
    for (const name of await migrate(sql, MIGRATIONS_FOLDER)) say(`Migrated: ${name}`);
    if (database.isDevelopment) await seedSampleLead(sql);
  };
  try {
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      const problem = await prepareOnce().catch((error: unknown) => error);
      if (problem === undefined) return;
      if (!isDatabaseUnavailable(problem)) throw explain(database.url, problem);
      if (tries % SAY_EVERY_TRIES === 0) say(`${describe(database.url, problem)}; trying again`);
      await delay(TRY_EVERY_MS);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** A lead that a person has changed stays as it is. */
async function seedSampleLead(sql: Sql): Promise<void> {
  const { id, ...fields } = SAMPLE_LEAD;
  const key = { id, clientId: null };
  if ((await findLead(sql, key)) === undefined) await upsertLead(sql, key, fields);
}

function explain(url: string, error: unknown): Error {
  return new CannotRun(describe(url, error), { cause: error });
}

function describe(url: string, error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return `${describeLocation(url)}: ${message || code || "not reachable"}`;
}

/** Without user and password, wherever in the URL they stand. */
export function describeLocation(url: string): string {
  const { hosts, database } = readConnectionUrl(url);
  const places = hosts.map(({ name, port, isSocket }) => (isSocket ? name : `${name}:${port}`));
  return `PostgreSQL at ${places.join(",")}, database ${database}`;
}
