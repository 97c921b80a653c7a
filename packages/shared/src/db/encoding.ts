/**
 * What comes in is UTF-8, and any of it must be storable: a database in LATIN1 refuses most characters, one
 * in SQL_ASCII takes bytes for characters, and neither reads `\\u` escapes in JSON.
 */
import type { Queryable } from "./sql.ts";
import { UnsuitableDatabaseError } from "./unsuitable.ts";

export async function requireUtf8(sql: Queryable): Promise<void> {
  const [row] = await sql<{ encoding: string; name: string }[]>`
    select current_setting('server_encoding') as encoding, current_database() as name`;
  if (row === undefined || row.encoding === "UTF8") return;
  throw new UnsuitableDatabaseError(
    `The database "${row.name}" is encoded in ${row.encoding}, and the service needs UTF8. An encoding cannot ` +
      "be changed: make another one (create database NAME encoding 'UTF8' template template0) and set " +
      "DATABASE_URL to it.",
  );
}
