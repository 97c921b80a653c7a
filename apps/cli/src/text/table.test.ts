import { expect, test } from "vitest";
import { cut, table, widthOf, type Column } from "./table.ts";

interface Row {
  readonly id: string;
  readonly url: string;
  readonly note: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "ID", text: ({ id }) => id },
  { title: "URL", text: ({ url }) => url, min: 8, dropOrder: 1 },
  { title: "NOTE", text: ({ note }) => note, min: 6 },
];
const ROWS: readonly Row[] = [
  { id: "one", url: "https://example.com/a/long/path", note: "fine" },
  { id: "second", url: "http://a", note: "a note of some length" },
];

test("is as wide as its cells where there is room, or nobody looks", () => {
  const expected = [
    "ID      URL                              NOTE",
    "one     https://example.com/a/long/path  fine",
    "second  http://a                         a note of some length",
  ];
  expect(table(ROWS, COLUMNS, { columns: undefined })).toEqual(expected);
  expect(table(ROWS, COLUMNS, { columns: 62 })).toEqual(expected);
});

test("shortens the widest of what may be shortened", () => {
  expect(table(ROWS, COLUMNS, { columns: 40 })).toEqual([
    "ID      URL              NOTE",
    "one     https://exampl…  fine",
    "second  http://a         a note of some…",
  ]);
});

test("drops what is needed least where shortening is not enough, and never cuts an id", () => {
  expect(table(ROWS, COLUMNS, { columns: 20 })).toEqual([
    "ID      NOTE",
    "one     fine",
    "second  a note of s…",
  ]);
  expect(table(ROWS, COLUMNS, { columns: 3 })[2]).toBe("second  a not…");
});

test("squeezes what is worth more than that before it drops it", () => {
  const columns: readonly Column<Row>[] = [
    { title: "ID", text: ({ id }) => id },
    {
      title: "URL",
      text: ({ url }) => url,
      shortText: ({ url }) => url.slice("http://".length),
      min: 10,
      least: 4,
      dropOrder: 1,
    },
    { title: "NOTE", text: ({ note }) => note, min: 6, dropOrder: 2 },
  ];
  const rows = [{ id: "second", url: "http://localhost", note: "a note of some length" }];
  expect(table(rows, columns, { columns: 30 })[1]).toBe("second  localhost   a note of…");
  expect(table(rows, columns, { columns: 23 })[1]).toBe("second  localhost");
  expect(table(rows, columns, { columns: 15 })[1]).toBe("second  localh…");
  expect(table(rows, columns, { columns: 12 })[1]).toBe("second  loc…");
  expect(table(rows, columns, { columns: 11 })[1]).toBe("second");
});

test("counts wide characters as two, and colours as none", () => {
  const row = { id: "世界", url: "x", note: "\u001b[2J" };
  const paint = (_style: string, text: string) => `\u001b[31m${text}\u001b[39m`;
  const columns = COLUMNS.map((column) => ({
    ...column,
    paint: (_row: Row, cell: string) => paint("red", cell),
  }));
  expect(table([row], columns, { columns: undefined, paint, hasHeading: false })).toEqual([
    "\u001b[31m世界\u001b[39m  \u001b[31mx\u001b[39m    \u001b[31m\\x1b[2J\u001b[39m",
  ]);
  expect(cut("世界世界", 5)).toBe("世界…");
  expect(widthOf(cut("世界世界", 4))).toBeLessThanOrEqual(4);
});

test("of no rows is its heading", () => {
  expect(table([], COLUMNS, { columns: 80 })).toEqual(["ID  URL  NOTE"]);
});
