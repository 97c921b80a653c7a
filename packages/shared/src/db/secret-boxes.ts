/** Every secret box there is, for those who change the key that they are sealed with. */
import type { SecretPlace } from "../core/secret-box.ts";
import { endpointPlace, secretPlace } from "../core/secret-box.ts";
import type { Queryable } from "./client.ts";

/** A column that holds boxes, one a row. */
export interface BoxColumn {
  readonly table: "webhook_deliveries" | "webhook_endpoints";
  readonly column: "secret_encrypted" | "secrets_encrypted" | "headers_encrypted" | "tls_encrypted";
  readonly placeOf: (id: string) => SecretPlace;
}

export const BOX_COLUMNS: readonly BoxColumn[] = [
  { table: "webhook_deliveries", column: "secret_encrypted", placeOf: secretPlace },
  {
    table: "webhook_endpoints",
    column: "secrets_encrypted",
    placeOf: (id) => endpointPlace(id, "secrets"),
  },
  {
    table: "webhook_endpoints",
    column: "headers_encrypted",
    placeOf: (id) => endpointPlace(id, "headers"),
  },
  {
    table: "webhook_endpoints",
    column: "tls_encrypted",
    placeOf: (id) => endpointPlace(id, "tls"),
  },
];

export interface BoxRow {
  readonly id: string;
  readonly box: Buffer;
}

/** Rows after `afterId`, in the order of their ids, with a box that begins otherwise than `start`. */
export async function listOtherBoxes(
  sql: Queryable,
  { table, column }: BoxColumn,
  page: { readonly start: Buffer; readonly afterId: string; readonly limit: number },
): Promise<BoxRow[]> {
  return sql<BoxRow[]>`
    select id, ${sql(column)} as box from ${sql(table)}
    where id > ${page.afterId} and ${sql(column)} is not null
      and substring(${sql(column)} from 1 for ${page.start.length}) <> ${page.start}
    order by id limit ${page.limit}`;
}

/** False: it was changed meanwhile, by somebody who seals with the new key. */
export async function replaceBox(
  sql: Queryable,
  { table, column }: BoxColumn,
  row: BoxRow & { readonly sealed: Buffer },
): Promise<boolean> {
  const replaced = await sql`
    update ${sql(table)} set ${sql(column)} = ${row.sealed}
    where id = ${row.id} and ${sql(column)} = ${row.box}`;
  return replaced.count === 1;
}
