/**
 * A list in words or as JSON: one page with what is left out, or all of it as it is read, a page at a
 * time. Where there is nothing it says so instead of printing a heading.
 */
import type { Cli } from "../cli.ts";
import { MOST_ON_A_PAGE } from "../page-options.ts";
import type { TableShown } from "../show/shown.ts";

type Page<Name extends string, Row> = Readonly<Record<Name, readonly Row[]>> & {
  readonly nextCursor: string | null;
  readonly total: number;
  readonly totalIsCapped?: boolean | undefined;
};

interface List<Name extends string, Row> {
  /** What its rows are, also in a page of the API. */
  readonly name: Name;
  readonly page: () => Promise<Page<Name, Row>>;
  readonly all: () => AsyncIterable<Row>;
  readonly table: (rows: readonly Row[], shown: TableShown) => string[];
}

/** `all`: whether `--all` was given. */
export async function printPages<Name extends string, Row>(
  cli: Cli,
  all: true | undefined,
  list: List<Name, Row>,
): Promise<void> {
  await (all ? printAll(cli, list) : printPage(cli, list));
}

async function printPage<Name extends string, Row>(
  { output }: Cli,
  { name, page: read, table }: List<Name, Row>,
): Promise<void> {
  const page = await read();
  output.json(page);
  if (output.isJson) return;
  const rows = page[name];
  if (rows.length === 0) return output.note(`No ${name}.`);
  const { columns, paint } = output;
  output.lines(table(rows, { columns, paint, now: new Date() }));
  if (page.nextCursor === null) return;
  const total = `${page.total}${page.totalIsCapped === true ? " or more" : ""}`;
  output.note(`${rows.length} of ${total}; more with --limit or --all.`);
}

async function printAll<Name extends string, Row>(
  { output }: Cli,
  { name, all: read, table }: List<Name, Row>,
): Promise<void> {
  const { columns, paint } = output;
  let count = 0;
  let rows: Row[] = [];
  const flush = (): void => {
    if (rows.length === 0) return;
    const hasHeading = count === rows.length;
    output.lines(table(rows, { columns, paint, now: new Date(), hasHeading }));
    rows = [];
  };
  for await (const row of read()) {
    count += 1;
    output.jsonLine(row);
    if (output.isJson) continue;
    rows.push(row);
    if (rows.length === MOST_ON_A_PAGE) flush();
  }
  flush();
  if (count === 0) output.note(`No ${name}.`);
}
