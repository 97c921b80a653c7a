/**
 * Deliveries by how a text begins: an id, a lead id, an event type, a URL with or without its scheme.
 *
 * Each place has an index in the order of its text, so the few that begin with a rare text are found at
 * once, but not in the order of a list; a text that much begins with is met soon by walking the list.
 * Which of the two it is cannot be left to estimates: the indexes are looked into first, for `enough`
 * entries each. What is common and yet not among the newest is sorted out of all that begins with it:
 * the one search whose time grows with what it finds, by about 0.25 µs each (docs/statistics.md).
 */
import { isUuid } from "../core/ids.ts";
import { afterPrefix } from "../core/text-range.ts";
import type { PendingQuery, Row } from "postgres";
import type { Queryable } from "./client.ts";
import { matches, newestIds, type ExactFilter, type Page } from "./delivery-filter.ts";

/** A part of a statement. */
type Fragment = PendingQuery<Row[]>;

export interface Search {
  readonly q: string;
  readonly exact: ExactFilter;
  /** More than this is common. */
  readonly enough: number;
  /** So many of the newest deliveries are looked at one by one. */
  readonly walk?: number;
}

const WALK = 10_000;

/** Ids, newest first. */
export async function findNewest(sql: Queryable, search: Search, page: Page): Promise<string[]> {
  const { q, exact, walk = WALK } = search;
  if (!(await isRare(sql, search))) {
    const [met] = await sql<{ ids: string[]; walked: number }[]>`
      with walked as materialized (${newestIds(sql, exact, { ...page, limit: walk })})
      select (select count(*) from walked)::int as walked, array(
        select id from walked join webhook_deliveries using (id)
        where ${begins(sql, q)} order by id desc limit ${page.limit}
      )::text[] as ids`;
    if (met === undefined) throw new Error("a select without a table returned no row");
    if (met.ids.length === page.limit || met.walked < walk) return met.ids;
  }
  const conditions = matches(sql, exact, page.beforeId);
  const inPlaces = ranges(sql, q).map(
    // The offset keeps the planner from walking the list once more.
    (range) => sql`
      (select id from (
        select id from webhook_deliveries where ${range} and ${conditions} offset 0
      ) as place order by id desc limit ${page.limit})`,
  );
  const rows = await sql<{ id: string }[]>`
    select distinct id from (${unionOf(sql, inPlaces)}) as places order by id desc limit ${page.limit}`;
  return rows.map(({ id }) => id);
}

/** Exact up to `enough`; one more means "more". */
export async function countFound(sql: Queryable, search: Search): Promise<number> {
  const { q, exact, enough, walk = WALK } = search;
  const limit = enough + 1;
  if (!(await isRare(sql, search))) {
    if (Object.values(exact).every((value) => value === undefined)) return limit;
    const [met] = await sql<{ count: number; walked: number }[]>`
      with walked as materialized (${newestIds(sql, exact, { limit: walk, beforeId: undefined })})
      select (select count(*) from walked)::int as walked, case
        when (select count(*) from walked) < ${walk} then (
          select count(*) from walked join webhook_deliveries using (id) where ${begins(sql, q)})
        end::int as count`;
    if (met !== undefined && met.walked < walk) return Math.min(met.count, limit);
  }
  const conditions = matches(sql, exact, undefined);
  const inPlaces = ranges(sql, q).map(
    (range) => sql`
      (select id from webhook_deliveries where ${range} and ${conditions} limit ${limit})`,
  );
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count
    from (select distinct id from (${unionOf(sql, inPlaces)}) as places limit ${limit}) as found`;
  return row?.count ?? 0;
}

function unionOf(sql: Queryable, queries: readonly Fragment[]): Fragment {
  const [first, ...others] = queries;
  if (first === undefined) throw new Error("there is no place to look in");
  return others.reduce((all, query) => sql`${all} union all ${query}`, first);
}

/** In every place at most `enough` begin with it. */
async function isRare(sql: Queryable, { q, enough }: Search): Promise<boolean> {
  const [row] = await sql<{ isRare: boolean }[]>`
    select ${ranges(sql, q).reduce(
      (all, range) => sql`${all} and (
        select count(*) from (
          select from webhook_deliveries where ${range} limit ${enough + 1}
        ) as entries) <= ${enough}`,
      sql`true`,
    )} as "isRare"`;
  return row?.isRare === true;
}

function begins(sql: Queryable, q: string) {
  return sql`(${ranges(sql, q).reduce((any, range) => sql`${any} or ${range}`)})`;
}

/** A condition for every place that a text can begin in. */
function ranges(sql: Queryable, q: string) {
  return [
    prefixOf(sql, sql`lead_id`, q),
    prefixOf(sql, sql`event_type`, q),
    ...["", "https://", "http://"].map((scheme) => prefixOf(sql, sql`webhook_url`, scheme + q)),
    ...(isUuid(q) ? [sql`id = ${q}`] : []),
  ];
}

function prefixOf(sql: Queryable, text: Fragment, prefix: string) {
  const end = afterPrefix(prefix);
  const upTo = end === null ? sql`` : sql`and ${text} ~<~ ${end}`;
  return sql`(${text} ~>=~ ${prefix} ${upTo})`;
}
