import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConfigError,
  loadConfig,
  type ProcessName,
  VARIABLES,
  type VariableName,
} from "./config.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const OTHER_KEY = Buffer.alloc(32, 2).toString("base64");
/** What a production process cannot do without. */
const REQUIRED = {
  DATABASE_URL: "postgres://app:password@db.example.com:5432/app",
  API_KEYS: "operator-key",
  ENCRYPTION_KEY: KEY,
};
const PRODUCTION = { ...REQUIRED, NODE_ENV: "production" };

type Env = Readonly<Record<string, string | undefined>>;

function load(env: Env, processName: ProcessName = "ingest") {
  return loadConfig({ ...PRODUCTION, ...env }, processName);
}

function problemsOf(env: Env, processName: ProcessName = "ingest"): readonly string[] {
  return errorOf(() => loadConfig(env, processName)).problems;
}

function errorOf(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("expected a ConfigError");
}

/** The names that the problems are about. */
function namesIn(problems: readonly string[]): string[] {
  return problems.map((problem) => problem.split(" ", 1)[0] ?? "");
}

describe("defaults", () => {
  it("are the contract's in production", () => {
    const config = loadConfig(PRODUCTION, "ingest");
    expect(config).toMatchObject({
      DATABASE_URL: REQUIRED.DATABASE_URL,
      REDIS_URL: null,
      HOST: "0.0.0.0",
      PORT: 3000,
      API_KEYS: ["operator-key"],
      WORKER_CONCURRENCY: 5,
      RATE_LIMIT_PER_SECOND: 50,
      RETRY_SCHEDULE_SECONDS: [5_000, 25_000, 125_000],
      DELIVERY_TIMEOUT_MS: 10_000,
      RESPONSE_BODY_LIMIT: 1_000,
      MAX_PAYLOAD_BYTES: 262_144,
      ALLOWED_PRIVATE_CIDRS: [],
      REQUIRE_HTTPS: true,
      RETENTION_DAYS: 30,
      SHUTDOWN_TIMEOUT_MS: 30_000,
      METRICS_PORT: null,
      OUTBOX_SECRET: null,
      CRON_SECRET: null,
      LOG_LEVEL: "info",
    });
    expect(config.ENCRYPTION_KEY.map(({ bytes }) => bytes.toString("base64"))).toEqual([KEY]);
  });

  it("open plain HTTP and loopback in development, and nothing else", () => {
    const development = loadConfig(REQUIRED, "ingest");
    const { ALLOWED_PRIVATE_CIDRS, REQUIRE_HTTPS, ...same } = development;
    expect(REQUIRE_HTTPS).toBe(false);
    expect(ALLOWED_PRIVATE_CIDRS).toEqual(
      load({ ALLOWED_PRIVATE_CIDRS: "127.0.0.0/8,::1/128" }).ALLOWED_PRIVATE_CIDRS,
    );
    expect(loadConfig(PRODUCTION, "ingest")).toMatchObject(same);
  });

  it.each(["development", "test", "Production", ""])(
    "are development's when NODE_ENV is %j",
    (NODE_ENV) => {
      expect(loadConfig({ ...REQUIRED, NODE_ENV }, "ingest").REQUIRE_HTTPS).toBe(false);
    },
  );

  it("give way to what is set, in either environment", () => {
    expect(load({ REQUIRE_HTTPS: "false" }).REQUIRE_HTTPS).toBe(false);
    expect(loadConfig({ ...REQUIRED, REQUIRE_HTTPS: "1" }, "ingest").REQUIRE_HTTPS).toBe(true);
  });
});

describe("an empty variable", () => {
  it.each(["", " ", "\t"])("counts as unset: %j", (empty) => {
    const everythingEmpty = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, empty]));
    const config = loadConfig({ ...everythingEmpty, ...PRODUCTION }, "worker");
    expect(config).toEqual(loadConfig(PRODUCTION, "worker"));
    expect(problemsOf(everythingEmpty)).toEqual(problemsOf({}));
  });
});

describe("what is missing", () => {
  it.each([
    ["ingest", ["DATABASE_URL", "API_KEYS", "ENCRYPTION_KEY"]],
    ["worker", ["DATABASE_URL", "ENCRYPTION_KEY"]],
    ["migrate", ["DATABASE_URL"]],
  ] as const)("is named to %s all at once", (processName, missing) => {
    const problems = problemsOf({ NODE_ENV: "production" }, processName);
    expect(namesIn(problems)).toEqual(missing);
    expect(problems.every((problem) => / is missing \(/.test(problem))).toBe(true);
  });

  it("is null where it is not required", () => {
    const config = loadConfig({ DATABASE_URL: REQUIRED.DATABASE_URL }, "migrate");
    expect(config.API_KEYS).toBeNull();
    expect(config.ENCRYPTION_KEY).toBeNull();
  });
});

const MALFORMED: readonly (readonly [VariableName, ...string[]])[] = [
  ["DATABASE_URL", "db.example.com", "mysql://db/app", "postgres//db", "postgres:db", "http://db"],
  ["REDIS_URL", "localhost:6379", "http://redis", "redis//x", "redis:redis.example.com"],
  ["PORT", "-1", "65536", "3000.5", "0x10", "1e3", "http", "３"],
  ["API_KEYS", ",", " , ", "with space,x", "schlüssel", "tab\tkey"],
  [
    "ENCRYPTION_KEY",
    "short",
    ",",
    `${KEY},short`,
    KEY.slice(1),
    Buffer.alloc(16).toString("base64"),
  ],
  ["WORKER_CONCURRENCY", "0", "2.5", "10001", "five", "+5"],
  ["RATE_LIMIT_PER_SECOND", "-1", "fast", "1000001", "Infinity", "NaN"],
  ["RETRY_SCHEDULE_SECONDS", "5,x", "-5", "5;25", "2592001", "5,,Infinity"],
  ["DELIVERY_TIMEOUT_MS", "0", "600001", "10s"],
  ["RESPONSE_BODY_LIMIT", "-1", "1000001", "1k"],
  ["MAX_PAYLOAD_BYTES", "0", "50000001", "256kb"],
  ["ALLOWED_PRIVATE_CIDRS", "10.0.0.0/33", "10.0.0.0/8,everything", "::1/129"],
  ["REQUIRE_HTTPS", "yes", "TRUE", "2"],
  ["EGRESS_PROXY_URL", "proxy:3128", "socks5://proxy:1080", "http://"],
  ["API_RATE_LIMIT_PER_SECOND", "-1", "0.5", "many"],
  ["RETENTION_DAYS", "-1", "0.5", "36501"],
  ["SHUTDOWN_TIMEOUT_MS", "-1", "3600001"],
  ["METRICS_PORT", "65536", "metrics"],
  ["OUTBOX_SECRET", "two words", "schlüssel"],
  ["CRON_SECRET", "two words", "tab\tkey"],
  ["LOG_LEVEL", "INFO", "verbose", "10"],
];

describe("what is malformed", () => {
  it.each(MALFORMED.flatMap(([name, ...values]) => values.map((value) => ({ name, value }))))(
    "is named: $name=$value",
    ({ name, value }) => {
      const problems = problemsOf({ ...PRODUCTION, [name]: value });
      expect(namesIn(problems)).toEqual([name]);
      expect(problems[0]).toMatch(/^[A-Z_]+ must be /);
    },
  );

  it("covers every variable that can be malformed", () => {
    const covered = MALFORMED.map(([name]) => name);
    expect(new Set([...covered, "HOST"])).toEqual(new Set(Object.keys(VARIABLES)));
  });

  it("is named together with what is missing, in one message", () => {
    const firstBad = Object.fromEntries(MALFORMED.map(([name, value]) => [name, value]));
    const env = { NODE_ENV: "production", ...firstBad, DATABASE_URL: "", API_KEYS: undefined };
    const error = errorOf(() => loadConfig(env, "ingest"));
    expect(new Set(namesIn(error.problems))).toEqual(new Set(MALFORMED.map(([name]) => name)));
    expect(error.problems).toHaveLength(MALFORMED.length);
    for (const problem of error.problems) expect(error.message).toContain(problem);
    expect(error.message.split("\n")).toHaveLength(1 + MALFORMED.length);
  });

  it.each([
    ["DATABASE_URL", "postgres//app:hunter2@db"],
    ["DATABASE_URL", "mysql://app:hunter2@db/app"],
    ["REDIS_URL", "http://:hunter2@redis"],
    ["API_KEYS", "fine,hunter2 hunter2"],
    ["ENCRYPTION_KEY", `${KEY},hunter2`],
    ["OUTBOX_SECRET", "hunter2 hunter2"],
  ])("never shows the value of a secret (%s, %#)", (name, value) => {
    const error = errorOf(() => load({ [name]: value }));
    const said = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
    expect(said).toContain(name);
    expect(said).not.toContain("hunter2");
    expect(said).not.toContain(KEY);
  });
});

describe("what is well formed", () => {
  it("is trimmed and split as its meaning says", () => {
    expect(load({ API_KEYS: " one , two,,three " }).API_KEYS).toEqual(["one", "two", "three"]);
    const keys = load({ ENCRYPTION_KEY: `${OTHER_KEY}, ${KEY}` }).ENCRYPTION_KEY;
    expect(keys.map(({ bytes }) => bytes.toString("base64"))).toEqual([OTHER_KEY, KEY]);
    expect(load({ REDIS_URL: "rediss://:p@redis:6380/1" }).REDIS_URL).toBe(
      "rediss://:p@redis:6380/1",
    );
    expect(load({ METRICS_PORT: "9090" }).METRICS_PORT).toBe(9090);
    expect(load({ RATE_LIMIT_PER_SECOND: "0" }).RATE_LIMIT_PER_SECOND).toBe(0);
  });

  it("is read from its other name where its own is unset", () => {
    expect(load({ WEBHOOK_SECRET: "older" }).OUTBOX_SECRET).toBe("older");
    expect(load({ WEBHOOK_SECRET: "older", OUTBOX_SECRET: " " }).OUTBOX_SECRET).toBe("older");
    expect(load({ WEBHOOK_SECRET: "older", OUTBOX_SECRET: "own" }).OUTBOX_SECRET).toBe("own");
    expect(problemsOf({ ...PRODUCTION, WEBHOOK_SECRET: "two words" })).toHaveLength(1);
  });

  it("takes decimals in the schedule, to the millisecond", () => {
    expect(load({ RETRY_SCHEDULE_SECONDS: "0.25, 1.0005,2" }).RETRY_SCHEDULE_SECONDS).toEqual([
      250, 1001, 2000,
    ]);
  });

  it("gives back any schedule in milliseconds", () => {
    const waits = fc.array(fc.nat({ max: 2_592_000_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(waits, (scheduleMs) => {
        const text = scheduleMs.map((ms) => (ms / 1000).toFixed(3)).join(",");
        expect(load({ RETRY_SCHEDULE_SECONDS: text }).RETRY_SCHEDULE_SECONDS).toEqual(scheduleMs);
      }),
    );
  });

  it("gives back any whole number within its range", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
        expect(load({ PORT: String(port) }).PORT).toBe(port);
      }),
    );
  });

  it("is usable or a ConfigError about that variable alone, whatever stands in it", () => {
    const name = fc.constantFrom(...(Object.keys(VARIABLES) as VariableName[]));
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...Array.from("0123456789.,-/ :")) }),
    );
    fc.assert(
      fc.property(name, text, (variable, value) => {
        expect([[], [variable]]).toContainEqual(namesOfProblems({ [variable]: value }));
      }),
      { numRuns: 1_000 },
    );
  });

  it("cannot be changed afterwards", () => {
    expect(Object.isFrozen(load({}))).toBe(true);
  });
});

/** None when the configuration is usable. */
function namesOfProblems(env: Env): string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...new Set(namesIn(error.problems))];
    throw error;
  }
}
