/**
 * Deliveries by how a text begins: an id, a lead id, an event type, a URL with or without its scheme.
 *
 * Each place has an index in the order of its text, so the few that begin with a rare text are found at
 * once, but not in the order of a list; a text that much begins with is met soon by walking the list.
 * Which of the two it is cannot be left to estimates: the indexes are looked into first, for `enough`
 * entries each. What is common and yet not among the newest is sorted out of all that begins with it:
 * the one search whose time grows with what it finds (docs/statistics.md has the numbers).
 */
import { isUuid } from "../core/ids.ts";
import { afterPrefix } from "../core/text-range.ts";
import type { PendingQuery, Row } from "postgres";
import type { Queryable } from "./client.ts";
import { isOfIdsOnly, matches, newestIds, type ExactFilter, type Page } from "./delivery-filter.ts";

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
  if (await isRare(sql, search)) return idsOf(await gathered(sql, search, page));
  const [met] = await sql<{ ids: string[]; walked: number }[]>`
    with walked as materialized (${newestIds(sql, exact, { ...page, limit: walk })})
    select (select count(*) from walked)::int as walked, array(
      select id from walked join webhook_deliveries using (id)
      where ${begins(sql, q)} order by id desc limit ${page.limit}
    )::text[] as ids`;
  if (met === undefined) throw new Error("a select without a table returned no row");
  if (met.ids.length === page.limit || met.walked < walk) return met.ids;
  const all = isOfIdsOnly(exact) ? gathered(sql, search, page) : filtered(sql, search, page);
  return idsOf(await sql<{ id: string }[]>`${all}`);
}

/** Exact up to `enough`; one more means "more". */
export async function countFound(sql: Queryable, search: Search): Promise<number> {
  const { exact, enough } = search;
  const page = { limit: enough + 1, beforeId: undefined };
  const isUsual = await isRare(sql, search);
  if (!isUsual && Object.values(exact).every((value) => value === undefined)) return page.limit;
  const found = isUsual ? gathered(sql, search, page) : filtered(sql, search, page);
  const [row] = await sql<
    { count: number }[]
  >`select count(*)::int as count from (${found}) as found`;
  return row?.count ?? 0;
}

function idsOf(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

/** In every place at most `enough` begin with it. */
async function isRare(sql: Queryable, { q, enough }: Search): Promise<boolean> {
  const isFew = ranges(sql, q).map(
    (range) => sql`
      (select count(*) from (
        select from webhook_deliveries where ${range} limit ${enough + 1}
      ) as entries) <= ${enough}`,
  );
  const [row] = await sql<{ isRare: boolean }[]>`select ${allOf(sql, isFew)} as "isRare"`;
  return row?.isRare === true;
}

/** Out of everything that begins with it: by the indexes of the places. */
function gathered(sql: Queryable, { q, exact }: Search, { limit, beforeId }: Page) {
  const conditions = matches(sql, exact, beforeId);
  const isWhole = isOfIdsOnly(exact);
  const places = ranges(sql, q).map((range) =>
    isWhole
      ? // The offset keeps the planner from walking the list instead.
        sql`
          (select id from (
            select id from webhook_deliveries where ${range} and ${conditions} offset 0
          ) as place order by id desc limit ${limit})`
      : sql`select id from webhook_deliveries where ${range}`,
  );
  const ids = places.reduce((all, place) => sql`${all} union all ${place}`);
  if (isWhole)
    return sql<{ id: string }[]>`
    select distinct id from (${ids}) as places order by id desc limit ${limit}`;
  return sql<{ id: string }[]>`
    select id from webhook_deliveries where id = any (array(${ids})) and ${conditions}
    order by id desc limit ${limit}`;
}

/** Out of everything that the other filters leave: by their indexes. */
function filtered(sql: Queryable, { q, exact }: Search, { limit, beforeId }: Page) {
  return sql<{ id: string }[]>`
    select id from webhook_deliveries
    where ${matches(sql, exact, beforeId)} and ${begins(sql, q)} order by id desc limit ${limit}`;
}

function begins(sql: Queryable, q: string) {
  return sql`(${ranges(sql, q).reduce((any, range) => sql`${any} or ${range}`)})`;
}

/** A condition for every place that a text can begin in. */
function ranges(sql: Queryable, q: string) {
  const url = sql`left(webhook_url, 200)`;
  return [
    prefixOf(sql, sql`lead_id`, q),
    prefixOf(sql, sql`event_type`, q),
    ...["", "https://", "http://"].map((scheme) => prefixOf(sql, url, scheme + q)),
    ...(isUuid(q) ? [sql`id = ${q}`] : []),
  ];
}

function prefixOf(sql: Queryable, text: Fragment, prefix: string) {
  const end = afterPrefix(prefix);
  const upTo = end === null ? sql`` : sql`and ${text} ~<~ ${end}`;
  return sql`(${text} ~>=~ ${prefix} ${upTo})`;
}

function allOf(sql: Queryable, conditions: readonly Fragment[]) {
  return conditions.reduce((all, condition) => sql`${all} and ${condition}`, sql`true`);
}
