/** A page's cursor: opaque to callers, inside it the id (or key) of the last row they saw. */
import { DomainError } from "./errors.ts";
import { isUuid } from "./ids.ts";

export function encodeCursor(lastId: string): string {
  return Buffer.from(lastId, "utf8").toString("base64url");
}

export function decodeCursor(cursor: string, isId: (text: string) => boolean = isUuid): string {
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  if (!isId(id) || encodeCursor(id) !== cursor) {
    throw new DomainError("invalid_cursor", "The cursor is not one that this API gave out.", [
      { field: "querystring.cursor", message: "use nextCursor of the page before, unchanged" },
    ]);
  }
  return id;
}
