/**
 * Rows under a heading, as wide as the terminal at most. What does not fit is shortened where a column
 * allows it; where even that does not help, whole columns go, the least needed first.
 */
import fastStringTruncatedWidth from "fast-string-truncated-width";
import { plain, type Paint } from "./paint.ts";
import { visible } from "./visible.ts";

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Colours the cell after it was shortened. */
  readonly paint?: (row: Row, cell: string, paint: Paint) => string;
  /** Shown where the cell must be shortened: what can be left out before anything is cut. */
  readonly shortText?: (row: Row) => string;
  /** May be shortened to this width; absent: shown whole. */
  readonly min?: number;
  /** Even to this width, rather than dropped. */
  readonly least?: number;
  /** Dropped when there is no room, the highest number first; absent: never. */
  readonly dropOrder?: number;
}

export interface TableOptions {
  /** Undefined: as wide as it comes, for a file or a pipe. */
  readonly columns: number | undefined;
  readonly paint?: Paint;
  readonly hasHeading?: boolean;
}

const GAP = "  ";
const ELLIPSIS = "…";

export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { columns: room = Infinity, paint = plain, hasHeading = true }: TableOptions,
): string[] {
  const sized = fit(
    columns.map((column) => measure(rows, column)),
    room,
  );
  const heading = sized
    .map(({ column, width }) => pad(paint("bold", cut(column.title, width)), column.title, width))
    .join(GAP)
    .trimEnd();
  const lines = rows.map((row) =>
    sized
      .map(({ column, width }) => {
        const cell = cellOf(row, column, width);
        return pad(column.paint?.(row, cell, paint) ?? cell, cell, width);
      })
      .join(GAP)
      .trimEnd(),
  );
  return hasHeading ? [heading, ...lines] : lines;
}

function cellOf<Row>(row: Row, { text, shortText = text }: Column<Row>, width: number): string {
  const whole = visible(text(row));
  return widthOf(whole) <= width ? whole : cut(visible(shortText(row)), width);
}

interface Sized<Row> {
  readonly column: Column<Row>;
  readonly width: number;
  readonly min: number;
}

function measure<Row>(rows: readonly Row[], column: Column<Row>): Sized<Row> {
  const texts = rows.map((row) => visible(column.text(row)));
  const width = texts.reduce((most, text) => Math.max(most, widthOf(text)), widthOf(column.title));
  return { column, width, min: Math.min(width, column.min ?? width) };
}

function fit<Row>(all: readonly Sized<Row>[], room: number): readonly Sized<Row>[] {
  const sized = dropSome(all, room);
  let excess = total(sized.map(({ width }) => width)) - room;
  const widths = sized.map(({ width }) => width);
  while (excess > 0) {
    const widest = widestShrinkable(sized, widths);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return sized.map(({ column, min }, index) => ({ column, min, width: widths[index] ?? min }));
}

function dropSome<Row>(all: readonly Sized<Row>[], room: number): readonly Sized<Row>[] {
  if (total(all.map(({ min }) => min)) <= room) return all;
  const orders = all.flatMap(({ column }) => column.dropOrder ?? []);
  if (orders.length === 0) return all;
  const first = Math.max(...orders);
  const squeezed = all.map((one) => ({
    ...one,
    min: Math.min(one.min, one.column.least ?? one.min),
  }));
  const next = all.find(({ column }) => column.dropOrder === first);
  if (next?.column.least !== undefined && total(squeezed.map(({ min }) => min)) <= room) {
    return squeezed;
  }
  return dropSome(
    all.filter(({ column }) => column.dropOrder !== first),
    room,
  );
}

function widestShrinkable<Row>(
  sized: readonly Sized<Row>[],
  widths: readonly number[],
): number | undefined {
  const spare = sized.map(
    ({ min }, index) => ((widths[index] ?? 0) > min ? widths[index] : 0) ?? 0,
  );
  const most = Math.max(...spare);
  return most === 0 ? undefined : spare.indexOf(most);
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
}

/** Columns on a terminal: wide characters take two. */
export function widthOf(text: string): number {
  return fastStringTruncatedWidth(text).width;
}

export function cut(text: string, width: number): string {
  const options = { limit: width, ellipsis: ELLIPSIS, ellipsisWidth: 1 };
  const { index, ellipsed, truncated } = fastStringTruncatedWidth(text, options);
  return truncated ? `${text.slice(0, index)}${ellipsed ? ELLIPSIS : ""}` : text;
}

/** `shown` has the colours, `text` the width. */
function pad(shown: string, text: string, width: number): string {
  return shown + " ".repeat(Math.max(0, width - widthOf(text)));
}
