/** The settings of both services, checked before anything is started. */
import {
  ConfigError,
  loadConfig,
  type Config,
  type ProcessName,
} from "@webhook-delivery/shared/config.ts";
import type { Env } from "./services.ts";

/** Stands in for the database that is started later, while the rest is checked. */
const DATABASE_TO_COME = "postgres://embedded";

/** Throws one ConfigError that names everything either service would complain about. */
export function checkSettings(env: Env, bringsDatabase: boolean): Config<"ingest"> {
  const complete = bringsDatabase ? { ...env, DATABASE_URL: DATABASE_TO_COME } : env;
  const problems = [...problemsOf(complete, "ingest"), ...problemsOf(complete, "worker")];
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return loadConfig(complete, "ingest");
}

function problemsOf(env: Env, processName: ProcessName): readonly string[] {
  try {
    loadConfig(env, processName);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
