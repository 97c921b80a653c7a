/**
 * The whole service for as long as `work` runs: database, migrations, ingest and worker, in this order;
 * stopped in the other one, whether `work` ends well, fails, or the start itself is cut short. If this
 * process is killed, ingest and worker end by themselves and an embedded PostgreSQL is taken over by
 * the next start.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "@webhook-delivery/shared/config.ts";
import {
  prepareDatabase,
  withDatabase,
  type DatabaseInUse,
  type EmbeddedDatabase,
} from "./database.ts";
import { chooseListener, exactOriginOf, originOf, type Listener } from "./listener.ts";
import { CannotRun } from "./run-command.ts";
import { startServices, type Env } from "./services.ts";
import { checkSettings } from "./settings.ts";
import type { StopRequest } from "./stop-request.ts";

export interface StackOptions {
  /** Of both services; DATABASE_URL is added for an embedded database. */
  readonly env: Env;
  /** Used when `env` has no DATABASE_URL. */
  readonly embedded?: EmbeddedDatabase | undefined;
  readonly stop: StopRequest;
  readonly say: (line: string) => void;
  readonly onLog: (line: string) => void;
}

export interface Stack {
  readonly origin: string;
  /** The address that ingest listens on. */
  readonly host: string;
  /** The same for a process on this machine: nobody else can answer there. */
  readonly exactOrigin: string;
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly queue: "redis" | "postgres";
  /** Resolves, with a sentence, when a part of it has ended by itself. */
  readonly ended: Promise<string>;
}

/** What ingest and worker may need beyond SHUTDOWN_TIMEOUT_MS until their processes are gone. */
const GOODBYE_MS = 3_000;
const LOOK_EVERY_MS = 100;
const ANSWER_TIMEOUT_MS = 5_000;
const SAY_AFTER_LOOKS = 50;

export async function withStack<T>(
  options: StackOptions,
  work: (stack: Stack) => Promise<T>,
): Promise<T> {
  const { env, embedded, say } = options;
  const { signal } = options.stop;
  const config = checkSettings(env, embedded !== undefined && !env["DATABASE_URL"]?.trim());
  const listener = await chooseListener({ host: config.HOST, port: config.PORT }, signal);

  const source = env["DATABASE_URL"]?.trim() || embedded || config.DATABASE_URL;
  return withDatabase(source, { signal, say }, async (database) => {
    const isDevelopment = env["NODE_ENV"] !== "production";
    await prepareDatabase({ url: database.url, isDevelopment }, { signal, say });
    return withServices({ ...options, config, listener, database }, (ended) =>
      work({
        origin: originOf(listener),
        host: listener.host,
        exactOrigin: exactOriginOf(listener),
        apiKey: config.API_KEYS[0] ?? "",
        databaseUrl: database.url,
        queue: config.REDIS_URL === null ? "postgres" : "redis",
        ended,
      }),
    );
  });
}

interface ServicesNeed extends StackOptions {
  readonly config: Config<"ingest">;
  readonly listener: Listener;
  readonly database: DatabaseInUse;
}

async function withServices<T>(
  { env, stop, say, onLog, config, listener, database }: ServicesNeed,
  work: (ended: Promise<string>) => Promise<T>,
): Promise<T> {
  const services = startServices({
    env: { ...env, DATABASE_URL: database.url, PORT: String(listener.port) },
    onLog,
    onComplaint: (line) => console.error(line),
    patienceMs: config.SHUTDOWN_TIMEOUT_MS + GOODBYE_MS,
    forced: stop.forced,
  });
  try {
    const ended = Promise.race([services.ended, database.ended]);
    await Promise.race([
      untilReady(exactOriginOf(listener), { signal: stop.signal, say }),
      ended.then((why) => Promise.reject(new CannotRun(`${why}; it was not ready yet.`))),
    ]);
    return await work(ended);
  } finally {
    await services.stop();
  }
}

async function untilReady(
  origin: string,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    signal.throwIfAborted();
    const problem = await readinessProblem(origin);
    if (problem === undefined) return;
    if (looks % SAY_AFTER_LOOKS === 0) say(`Not ready yet (${problem}); waiting`);
    await delay(LOOK_EVERY_MS);
  }
}

async function readinessProblem(origin: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${origin}/readyz`, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    if (answer.ok) return undefined;
    const { error } = (await answer.json()) as { error?: { message?: string } };
    return error?.message ?? `/readyz answers ${answer.status}`;
  } catch {
    return "no answer yet";
  }
}
