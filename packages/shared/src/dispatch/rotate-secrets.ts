/**
 * Seals every secret box with the first key of ENCRYPTION_KEY. Beside a running service, in small steps,
 * as often as one likes: what is sealed with it already is passed over, and what changes meanwhile is
 * sealed with it by whoever changes it. If the process dies, the next run goes on.
 */
import { randomBytes } from "node:crypto";
import { boxStart, NONCE_BYTES, open, seal, type EncryptionKey } from "../core/secret-box.ts";
import { NIL_UUID, type Sql } from "../db/client.ts";
import { BOX_COLUMNS, listOtherBoxes, replaceBox, type BoxColumn } from "../db/secret-boxes.ts";

const ROWS_A_STEP = 200;

export interface Rotated {
  readonly resealed: number;
  /** Where no key of the list opens the box: `table/id/what`. */
  readonly unreadable: readonly string[];
}

export async function rotateSecrets(
  sql: Sql,
  keys: readonly [EncryptionKey, ...EncryptionKey[]],
): Promise<Rotated> {
  let resealed = 0;
  const unreadable: string[] = [];
  for (const column of BOX_COLUMNS) {
    let afterId = NIL_UUID;
    for (;;) {
      const page = { start: boxStart(keys[0]), afterId, limit: ROWS_A_STEP };
      const rows = await listOtherBoxes(sql, column, page);
      const last = rows.at(-1);
      if (last === undefined) break;
      afterId = last.id;
      for (const row of rows) {
        const sealed = reseal(keys, column, row);
        if (sealed === undefined) unreadable.push(column.placeOf(row.id));
        else if (await replaceBox(sql, column, { ...row, sealed })) resealed++;
      }
    }
  }
  return { resealed, unreadable };
}

function reseal(
  keys: readonly [EncryptionKey, ...EncryptionKey[]],
  { placeOf }: BoxColumn,
  { id, box }: { readonly id: string; readonly box: Buffer },
): Buffer | undefined {
  const place = placeOf(id);
  let plaintext: string;
  try {
    plaintext = open(keys, place, box);
  } catch {
    // Reported by its place: with the key that is missing here it can still be opened.
    return undefined;
  }
  return seal(keys, place, plaintext, randomBytes(NONCE_BYTES));
}
