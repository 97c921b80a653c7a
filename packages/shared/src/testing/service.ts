/**
 * The whole service for a suite: real ingest and worker processes on a database (and a Redis database)
 * of their own, configured as in production but for the loopback addresses they deliver to.
 */
import { createApi, type Api } from "./api.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { encryptionKey } from "./factories.ts";
import { spawnProgram, type Environment, type LogLine, type TestProcess } from "./process.ts";
import { createTestRedis, type TestRedis } from "./redis.ts";

export type Backend = "redis" | "postgres";
export const BACKENDS: readonly Backend[] = ["redis", "postgres"];

export interface ServiceOptions {
  readonly backend: Backend;
  /** Default 1; 0: what is accepted stays pending. */
  readonly workers?: number;
  readonly env?: Environment;
}

export interface TestService extends AsyncDisposable {
  readonly api: Api;
  readonly database: TestDatabase;
  /** Undefined when the queue is in PostgreSQL. */
  readonly redis: TestRedis | undefined;
  readonly ingest: TestProcess;
  readonly workers: readonly TestProcess[];
  /** The variables that its processes have. */
  readonly env: Environment;
  startWorker(env?: Environment): Promise<TestProcess>;
  /** The worker's line about attempt `attempt` of a delivery: the attempt is recorded by then. */
  attempted(deliveryId: string, attempt: number): Promise<LogLine>;
  /** The worker's line about a delivery's last attempt: it ended as the row now says. */
  finished(deliveryId: string): Promise<LogLine>;
  /** Everything that was ever answered or logged. */
  everythingSaid(): string;
}

export const API_KEY = "key-of-the-tests";

export async function startService(options: ServiceOptions): Promise<TestService> {
  const { backend, workers: workerCount = 1 } = options;
  const stack = new AsyncDisposableStack();
  try {
    const database = stack.use(await createTestDatabase());
    const redis = backend === "redis" ? stack.use(await createTestRedis()) : undefined;
    const env = { ...baseEnvironment(database, redis), ...options.env };
    const workers: TestProcess[] = [];
    const startWorker = async (also: Environment = {}): Promise<TestProcess> => {
      const worker = stack.use(await spawnProgram("worker", { ...env, ...also }));
      workers.push(worker);
      await worker.waitForEvent("worker.started");
      return worker;
    };
    const ingest = stack.use(await spawnProgram("ingest", { ...env, PORT: "0" }));
    const [started] = await Promise.all([
      ingest.waitForEvent("ingest.started"),
      ...Array.from({ length: workerCount }, () => startWorker()),
    ]);
    const answers: string[] = [];
    const api = createApi(String(started["address"]), API_KEY, (text) => answers.push(text));
    const waitForLine = waitForLineOfAny(workers);
    return {
      api,
      database,
      redis,
      ingest,
      workers,
      env,
      startWorker,
      attempted: (id, attempt) =>
        waitForLine((line) => isAttemptOf(line, id) && line["attempt"] === attempt),
      finished: (id) =>
        waitForLine((line) => isAttemptOf(line, id) && line["nextRetryAt"] === null),
      everythingSaid: () =>
        [...answers, ...[ingest, ...workers].map((one) => one.output)].join("\n"),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

export function baseEnvironment(
  database: Pick<TestDatabase, "url">,
  redis: Pick<TestRedis, "url"> | undefined,
): Environment {
  return {
    NODE_ENV: "production",
    DATABASE_URL: database.url,
    REDIS_URL: redis?.url,
    HOST: "127.0.0.1",
    API_KEYS: API_KEY,
    ENCRYPTION_KEY: encryptionKey(),
    ALLOWED_PRIVATE_CIDRS: "127.0.0.0/8",
    REQUIRE_HTTPS: "false",
  };
}

function isAttemptOf(line: LogLine, deliveryId: string): boolean {
  return line.event === "delivery.attempted" && line["deliveryId"] === deliveryId;
}

function waitForLineOfAny(workers: readonly TestProcess[]) {
  return async (matches: (line: LogLine) => boolean): Promise<LogLine> =>
    Promise.any(workers.map((worker) => worker.waitForLine(matches)));
}
