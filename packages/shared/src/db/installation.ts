/** Who this installation is, for what it shares with others: the names of its keys in Redis. */
import { createHash } from "node:crypto";
import type { Queryable } from "./client.ts";

const HASH_CHARACTERS = 12;

/**
 * Differs by installation, and by database and schema: a copy of a database in another one is another
 * installation. The same in every process of one.
 */
export async function readQueuePrefix(sql: Queryable): Promise<string> {
  let row = await readInstallation(sql);
  if (row === undefined) {
    await sql`insert into installation default values on conflict do nothing`;
    row = await readInstallation(sql);
  }
  if (row === undefined) throw new Error("the installation has no row");
  const name = JSON.stringify([row.id, row.database, row.schema]);
  const hash = createHash("sha256").update(name).digest("hex").slice(0, HASH_CHARACTERS);
  return `webhook-delivery-${hash}`;
}

async function readInstallation(sql: Queryable) {
  const [row] = await sql<{ id: string; database: string; schema: string }[]>`
    select id, current_database() as database, current_schema() as schema from installation`;
  return row;
}
