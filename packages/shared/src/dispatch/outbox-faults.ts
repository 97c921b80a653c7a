/** What an error in a take means for the rows in it. */
import { isConnectionLost, isDatabaseUnavailable, type Sql } from "../db/client.ts";

// Deadlock and serialization.
const PASSING_STATES = /^40/;
const STATEMENT_CANCELLED = "57014";

/**
 * The take was ended from outside: PostgreSQL went away, or the take was too slow for it, which the same
 * rows will be again. Which of the two, `requireDatabase` tells.
 */
export function isCutOff(error: unknown): boolean {
  return isConnectionLost(error) || codeOf(error) === STATEMENT_CANCELLED;
}

/** The same take may do well another time, whatever is in it. */
export function passesByItself(error: unknown): boolean {
  return (
    !isCutOff(error) && (isDatabaseUnavailable(error) || PASSING_STATES.test(codeOf(error) ?? ""))
  );
}

/** Throws while the database is away. */
export async function requireDatabase(sql: Sql): Promise<void> {
  try {
    await sql`select`;
  } catch {
    // postgres.js tells the first query on a connection that comes back of how the old one ended.
    await sql`select`;
  }
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
