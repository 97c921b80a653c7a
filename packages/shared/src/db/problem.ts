/** The error of a statement in one sentence that names the mend, without hosts, users or passwords. */
import { UnsuitableDatabaseError } from "./unsuitable.ts";

/** By PostgreSQL's SQLSTATE. */
const BY_STATE: Readonly<Record<string, string>> = {
  "28P01":
    "PostgreSQL refuses the user or the password in DATABASE_URL: mend them (percent-encode what is no letter or digit).",
  "28000":
    "PostgreSQL lets the user in DATABASE_URL not in from here: mend pg_hba.conf, sslmode or the user.",
  "3D000": "The database that DATABASE_URL names does not exist: create it, or mend the name.",
  "42501":
    "The PostgreSQL role lacks rights: docs/operations.md lists those that the service needs.",
  "53100": "PostgreSQL's disk is full: make room there.",
  "53200": "PostgreSQL is out of memory: give it more.",
  "53300":
    "PostgreSQL has as many connections as it takes: raise max_connections, or put a pooler in between.",
  "57P03": "PostgreSQL is starting or stopping: wait; it is used as soon as it is ready.",
  "25006": "PostgreSQL only reads: set DATABASE_URL to a server that takes writes.",
};

export function explainDatabaseError(error: unknown): string {
  if (error instanceof UnsuitableDatabaseError) return error.message;
  const given = (error as { code?: unknown } | null)?.code;
  const code = typeof given === "string" && /^[A-Z0-9_]+$/.test(given) ? given : undefined;
  const known = BY_STATE[code ?? ""];
  if (known !== undefined) return known;
  const why = code === undefined ? "" : ` (${code})`;
  return `PostgreSQL is not reachable${why}: see that it runs and that DATABASE_URL leads to it.`;
}
