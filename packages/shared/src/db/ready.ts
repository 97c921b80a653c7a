/** Waiting for a database that is not there yet. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "./client.ts";
import { requireUtf8 } from "./encoding.ts";
import { pendingMigrations } from "./migrate.ts";
import { explainDatabaseError } from "./problem.ts";
import { readOnlyProblem, rightsProblem } from "./rights.ts";
import { UnsuitableDatabaseError } from "./unsuitable.ts";

const TRY_EVERY_MS = 1_000;

export interface WaitOptions {
  readonly migrationsFolder: string;
  readonly signal: AbortSignal;
  /** Called with a line for people whenever it is still not usable. */
  readonly onWaiting: (why: string, error?: unknown) => void;
  /** What is to be done first; if the database goes away meanwhile, it is waited for again. */
  readonly onUsable?: () => Promise<void>;
}

/**
 * Undefined when it answers, takes our writes and has every migration, else a sentence for people that names
 * the mend. Throws for a database that waiting makes no better.
 */
async function databaseProblem(sql: Sql, migrationsFolder: string): Promise<string | undefined> {
  await requireUtf8(sql);
  const problem = (await readOnlyProblem(sql)) ?? (await rightsProblem(sql));
  if (problem !== undefined) return problem;
  const pending = await pendingMigrations(sql, migrationsFolder);
  if (pending.length === 0) return undefined;
  return `PostgreSQL lacks the migrations ${pending.join(", ")}: run "pnpm migrate" (npx -y pnpm@12 migrate)`;
}

/** The same for a readiness check: nothing throws, and an error is a sentence too. */
export async function checkDatabase(
  sql: Sql,
  migrationsFolder: string,
): Promise<string | undefined> {
  return databaseProblem(sql, migrationsFolder).catch(explainDatabaseError);
}

/**
 * True when the database is usable; false when `signal` ended the waiting. Throws an UnsuitableDatabaseError
 * for a database that waiting makes no better.
 */
export async function waitForDatabase(sql: Sql, options: WaitOptions): Promise<boolean> {
  while (!options.signal.aborted) {
    try {
      const problem = await databaseProblem(sql, options.migrationsFolder);
      if (problem === undefined) {
        await options.onUsable?.();
        return true;
      }
      options.onWaiting(`${problem}; trying again`);
    } catch (error) {
      if (error instanceof UnsuitableDatabaseError) throw error;
      const { message, code } = error as NodeJS.ErrnoException;
      const why = `PostgreSQL is not reachable at DATABASE_URL (${message || code})`;
      options.onWaiting(`${why}; trying again`, error);
    }
    await sleep(TRY_EVERY_MS);
  }
  return false;
}
