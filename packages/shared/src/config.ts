/**
 * The configuration as one table: every variable with its default, its parser and what it is for.
 * Parsed once at start; every problem is reported together; the result is frozen. A test holds the
 * table against .env.example, the README and render.yaml.
 */
import { parseCidr, type Cidr } from "./core/address.ts";
import type { Environment } from "./db/connection-target.ts";
import { readConnectionUrl } from "./db/connection-url.ts";
import { parseEncryptionKey, type EncryptionKey } from "./core/secret-box.ts";

/** What is missing concerns the processes that need it; what is malformed stops them all. */
export type ProcessName = "ingest" | "worker" | "migrate";

export interface Variable<T> {
  /** The text that stands in for an unset variable; undefined: there is none. */
  readonly defaultText: string | undefined;
  /** Instead of `defaultText` unless NODE_ENV is `production`. */
  readonly developmentText?: string;
  /** Another name that it is read from when it is unset itself. */
  readonly alias?: string;
  /** Processes that cannot start without a value. */
  readonly requiredBy: readonly ProcessName[];
  readonly meaning: string;
  /** Throws an Error whose message completes "NAME …". */
  readonly parse: (text: string, env: Environment) => T;
}

const define = <T>(variable: Variable<T>): Variable<T> => variable;

export const VARIABLES = {
  DATABASE_URL: define({
    defaultText: undefined,
    requiredBy: ["ingest", "worker", "migrate"],
    meaning: "PostgreSQL 14+; `pnpm start` brings its own when unset in development",
    parse: (text, env) => {
      readConnectionUrl(text, env);
      return text;
    },
  }),
  REDIS_URL: define({
    defaultText: "",
    requiredBy: [],
    meaning: "Redis 6.2+ or Valkey for the queue; unset: the queue lives in PostgreSQL",
    parse: (text) => (text === "" ? null : url(text, ["redis:", "rediss:"])),
  }),
  HOST: define({
    defaultText: "0.0.0.0",
    requiredBy: [],
    meaning: "ingest: address to listen on",
    parse: (text) => text,
  }),
  PORT: define({
    defaultText: "3000",
    requiredBy: [],
    meaning: "ingest: port to listen on",
    parse: (text) => integer(text, 0, 65_535),
  }),
  API_KEYS: define({
    defaultText: undefined,
    requiredBy: ["ingest"],
    meaning: "comma-separated operator keys (full access)",
    parse: apiKeys,
  }),
  ENCRYPTION_KEY: define({
    defaultText: undefined,
    requiredBy: ["ingest", "worker"],
    meaning: "32 bytes, base64; a comma-separated list decrypts with any, encrypts with the first",
    parse: encryptionKeys,
  }),
  WORKER_CONCURRENCY: define({
    defaultText: "5",
    requiredBy: [],
    meaning: "deliveries in flight per worker process",
    parse: (text) => integer(text, 1, 10_000),
  }),
  RATE_LIMIT_PER_SECOND: define({
    defaultText: "50",
    requiredBy: [],
    meaning: "deliveries started per second over all workers together; 0: no limit",
    parse: (text) => number(text, 0, 1_000_000),
  }),
  RETRY_SCHEDULE_SECONDS: define({
    defaultText: "5,25,125",
    requiredBy: [],
    meaning: "waits before attempts 2, 3, 4, from the end of the attempt before; decimals allowed",
    parse: retryScheduleMs,
  }),
  DELIVERY_TIMEOUT_MS: define({
    defaultText: "10000",
    requiredBy: [],
    meaning: "bound on one whole attempt: DNS, connect, TLS, headers and body",
    parse: (text) => integer(text, 1, 600_000),
  }),
  RESPONSE_BODY_LIMIT: define({
    defaultText: "1000",
    requiredBy: [],
    meaning: "characters of the response body that are kept",
    parse: (text) => integer(text, 0, 1_000_000),
  }),
  MAX_PAYLOAD_BYTES: define({
    defaultText: "262144",
    requiredBy: [],
    meaning: "larger request bodies get 413",
    parse: (text) => integer(text, 1, 50_000_000),
  }),
  ALLOWED_PRIVATE_CIDRS: define({
    defaultText: "",
    developmentText: "127.0.0.0/8,::1/128",
    requiredBy: [],
    meaning: "comma-separated CIDRs that may be delivered to although not public",
    parse: cidrs,
  }),
  REQUIRE_HTTPS: define({
    defaultText: "true",
    developmentText: "false",
    requiredBy: [],
    meaning: "refuse http: destinations",
    parse: boolean,
  }),
  EGRESS_PROXY_URL: define({
    defaultText: "",
    requiredBy: [],
    meaning: "worker: deliver through this HTTP proxy (CONNECT), `http://` or `https://`",
    parse: (text) => (text === "" ? null : new URL(url(text, ["http:", "https:"]))),
  }),
  API_RATE_LIMIT_PER_SECOND: define({
    defaultText: "0",
    requiredBy: [],
    meaning: "ingest: requests per second of one API key to one process; 0: no limit",
    parse: (text) => integer(text, 0, 1_000_000),
  }),
  RETENTION_DAYS: define({
    defaultText: "30",
    requiredBy: [],
    meaning: "finished deliveries and their logs older than this are removed; 0: keep",
    parse: (text) => integer(text, 0, 36_500),
  }),
  SHUTDOWN_TIMEOUT_MS: define({
    defaultText: "30000",
    requiredBy: [],
    meaning: "SIGTERM: stop taking work, finish what is in flight, exit 0 within this",
    parse: (text) => integer(text, 0, 3_600_000),
  }),
  METRICS_PORT: define({
    defaultText: "",
    requiredBy: [],
    meaning: "worker: serve /metrics, /healthz and /readyz there",
    parse: (text) => (text === "" ? null : integer(text, 0, 65_535)),
  }),
  OUTBOX_SECRET: define({
    defaultText: "",
    alias: "WEBHOOK_SECRET",
    requiredBy: [],
    meaning: "ingest: bearer secret of POST /webhooks/outbox-trigger; unset: it is not there",
    parse: bearerSecret,
  }),
  CRON_SECRET: define({
    defaultText: "",
    requiredBy: [],
    meaning: "ingest: bearer secret of POST /cron/outbox-worker; unset: it is not there",
    parse: bearerSecret,
  }),
  LOG_LEVEL: define({
    defaultText: "info",
    requiredBy: [],
    meaning: "pino level: trace, debug, info, warn, error, fatal or silent",
    parse: logLevel,
  }),
} as const;

export type VariableName = keyof typeof VARIABLES;

type Parsed = { [N in VariableName]: ReturnType<(typeof VARIABLES)[N]["parse"]> };
/** A required variable is there for the processes that require it; for the others it may be null. */
type Required<P extends ProcessName> = {
  [N in VariableName]: P extends (typeof VARIABLES)[N]["requiredBy"][number]
    ? Parsed[N]
    : undefined extends (typeof VARIABLES)[N]["defaultText"]
      ? Parsed[N] | null
      : Parsed[N];
};
export type Config<P extends ProcessName = ProcessName> = Readonly<Required<P>>;

/** Names every variable that is missing or malformed, each with what is wrong. Never holds a value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((line) => `  ${line}`).join("\n")}`);
    this.problems = problems;
  }
}

export function loadConfig<P extends ProcessName>(env: Environment, processName: P): Config<P> {
  const isProduction = env["NODE_ENV"] === "production";
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries<Variable<unknown>>(VARIABLES)) {
    const fallback = isProduction
      ? variable.defaultText
      : (variable.developmentText ?? variable.defaultText);
    // An empty variable counts as unset.
    const text = env[name]?.trim() || env[variable.alias ?? name]?.trim() || fallback;
    if (text === undefined) {
      values[name] = null;
      if (variable.requiredBy.includes(processName)) {
        problems.push(`${name} is missing (${variable.meaning})`);
      }
      continue;
    }
    try {
      values[name] = variable.parse(text, env);
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as Config<P>;
}

function url(text: string, protocols: readonly string[]): string {
  const isKnown = protocols.some((protocol) => text.startsWith(`${protocol}//`));
  if (!isKnown || !URL.canParse(text)) {
    throw new Error(
      `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(" or ")}`,
    );
  }
  return text;
}

function number(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < min || value > max) {
    throw new Error(`must be a number from ${min} to ${max}`);
  }
  return value;
}

function integer(text: string, min: number, max: number): number {
  const value = number(text, min, max);
  if (!Number.isInteger(value)) throw new Error(`must be a whole number from ${min} to ${max}`);
  return value;
}

function boolean(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new Error("must be true or false");
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function apiKeys(text: string): readonly string[] {
  const keys = list(text);
  if (keys.length === 0 || keys.some((key) => !/^[\x21-\x7e]+$/.test(key))) {
    throw new Error("must be a comma-separated list of keys in printable ASCII");
  }
  return keys;
}

function bearerSecret(text: string): string | null {
  // It comes in a header.
  if (!/^[\x21-\x7e]*$/.test(text)) throw new Error("must be printable ASCII without spaces");
  return text === "" ? null : text;
}

function encryptionKeys(text: string): readonly [EncryptionKey, ...EncryptionKey[]] {
  const [first, ...rest] = list(text).map((item) => {
    const key = parseEncryptionKey(item);
    if (key === undefined)
      throw new Error("must be 32 bytes in base64 (`openssl rand -base64 32`)");
    return key;
  });
  if (first === undefined) throw new Error("must be 32 bytes in base64");
  return [first, ...rest];
}

function retryScheduleMs(text: string): readonly number[] {
  return list(text).map((item) => Math.round(number(item, 0, 2_592_000) * 1000));
}

function cidrs(text: string): readonly Cidr[] {
  return list(text).map((item) => {
    const cidr = parseCidr(item);
    if (cidr === undefined)
      throw new Error(`must be a comma-separated list of CIDRs ("${item}" is none)`);
    return cidr;
  });
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Error(`must be one of ${LOG_LEVELS.join(", ")}`);
  return level;
}
