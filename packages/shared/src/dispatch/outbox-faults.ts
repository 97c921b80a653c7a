/** What an error in a take means for the rows in it. */
import { isConnectionLost, isDatabaseUnavailable, type Sql } from "../db/client.ts";

const STATEMENT_CANCELLED = "57014";

/**
 * A take had begun and was ended from outside: PostgreSQL went away, or the take was too slow for it, which
 * the same rows will be again. Which of the two, `requireDatabase` tells.
 */
export class CutOffError extends Error {
  override readonly name = "CutOffError";
}

/** `take` tells when its transaction has begun: until then nothing says anything about its rows. */
export async function tellCutOff<T>(take: (onBegun: () => void) => Promise<T>): Promise<T> {
  let hasBegun = false;
  try {
    return await take(() => {
      hasBegun = true;
    });
  } catch (error) {
    const isEnded = isConnectionLost(error) || codeOf(error) === STATEMENT_CANCELLED;
    if (!hasBegun || !isEnded) throw error;
    throw new CutOffError("a take of the outbox was cut off", { cause: error });
  }
}

/** The same take may do well another time, whatever is in it. */
export function passesByItself(error: unknown): boolean {
  return isDatabaseUnavailable(error);
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
