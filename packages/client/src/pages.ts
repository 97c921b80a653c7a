/** All rows of a list, page by page, as they are asked for. */

interface Query {
  readonly limit?: number;
  readonly cursor?: string;
}

interface Page {
  readonly nextCursor: string | null;
}

const LONGEST_PAGE = 200;

export async function* pages<Wanted extends Query, Found extends Page>(
  list: (query: Wanted) => Promise<Found>,
  query: Wanted,
): AsyncGenerator<Found, void, undefined> {
  let cursor = query.cursor;
  do {
    const found = await list({ limit: LONGEST_PAGE, ...query, ...(cursor && { cursor }) });
    yield found;
    cursor = found.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
