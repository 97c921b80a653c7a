import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { DomainError } from "./errors.ts";

const ID = "01890000-0000-7000-8000-00000000000a";

describe("a cursor", () => {
  it("gives back the id it was made from, and is safe in a URL as it is", () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(decodeCursor(encodeCursor(id))).toBe(id);
        expect(encodeURIComponent(encodeCursor(id))).toBe(encodeCursor(id));
      }),
    );
  });

  it.each([
    "",
    ID,
    "abc",
    encodeCursor("not an id"),
    encodeCursor(`${ID}\n`),
    encodeCursor(`${ID}' or 1=1`),
    `${encodeCursor(ID)}=`,
    ` ${encodeCursor(ID)}`,
    encodeCursor(ID).slice(1),
    `${encodeCursor(ID)}!`,
  ])("that we never gave out is refused: %j", (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(DomainError);
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: "invalid_cursor" }));
  });

  it("is an id or an invalid_cursor, whatever a caller sends", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (cursor) => {
        expect([cursor, "invalid_cursor"]).toContain(readBack(cursor));
      }),
    );
  });
});

/** The cursor of what it was read as, or the code of the refusal. */
function readBack(cursor: string): string {
  try {
    return encodeCursor(decodeCursor(cursor));
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}
