/**
 * Deliveries by how a text begins: an id, a lead id, an event type, a URL with or without its scheme.
 *
 * Each place has an index in the order of its text, so the few that begin with a rare text are found at
 * once, but not in the order of a list; a text that much begins with is met soon by walking the list.
 * Which of the two it is cannot be left to estimates: the indexes are looked into first, for `enough`
 * entries each. What is common and yet not among the newest is sorted out of all that begins with it:
 * the one search whose time grows with what it finds, by about 0.15 µs each (docs/statistics.md).
 */
import type { PendingQuery, Row } from "postgres";
import { isUuid } from "../core/ids.ts";
import { afterPrefix } from "../core/text-range.ts";
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
        select id from ${walkedRows(sql)}
        where ${beginsAnywhere(sql, q)} order by id desc limit ${page.limit}
      )::text[] as ids`;
    if (met === undefined) throw new Error("a select without a table returned no row");
    if (met.ids.length === page.limit || met.walked < walk) return met.ids;
  }
  const conditions = matches(sql, exact, page.beforeId);
  const inPlaces = placesOf(sql, q).map(
    // The offset keeps the planner from walking the list once more. Backwards, because texts that
    // are numbered come newest first then, and the newest need less sorting out.
    ({ begins, orderBack }) => sql`
      (select id from (
        select id from webhook_deliveries where ${begins} and ${conditions} order by ${orderBack} offset 0
      ) as place order by id desc limit ${page.limit})`,
  );
  const rows = await sql<{ id: string }[]>`
    select distinct id from (${joined(sql, inPlaces, sql`union all`)}) as places
    order by id desc limit ${page.limit}`;
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
          select count(*) from ${walkedRows(sql)} where ${beginsAnywhere(sql, q)})
        end::int as count`;
    if (met !== undefined && met.walked < walk) return Math.min(met.count, limit);
  }
  const conditions = matches(sql, exact, undefined);
  const inPlaces = placesOf(sql, q).map(
    ({ begins, order }) => sql`
      (select id from webhook_deliveries where ${begins} and ${conditions}
       order by ${order} limit ${limit})`,
  );
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count
    from (select distinct id from (${joined(sql, inPlaces, sql`union all`)}) as places limit ${limit})
      as found`;
  return row?.count ?? 0;
}

/** One by one: the offset keeps the planner from looking for the text instead, all over the table. */
function walkedRows(sql: Queryable): Fragment {
  return sql`
    walked cross join lateral (
      select lead_id, event_type, webhook_url from webhook_deliveries
      where webhook_deliveries.id = walked.id offset 0
    ) as delivery`;
}

/** In every place at most `enough` begin with it. */
async function isRare(sql: Queryable, { q, enough }: Search): Promise<boolean> {
  const isFew = placesOf(sql, q).map(
    ({ begins, order }) => sql`(
      select count(*) from (
        select from webhook_deliveries where ${begins} order by ${order} limit ${enough + 1}
      ) as entries) <= ${enough}`,
  );
  const [row] = await sql<
    { isRare: boolean }[]
  >`select ${joined(sql, isFew, sql`and`)} as "isRare"`;
  return row?.isRare === true;
}

interface Place {
  readonly begins: Fragment;
  /** Its index's: asked for also where it does not matter, or the planner might read the table. */
  readonly order: Fragment;
  readonly orderBack: Fragment;
}

/** Everywhere that a text can begin. */
function placesOf(sql: Queryable, q: string): readonly Place[] {
  const urls = ["", "https://", "http://"].map((scheme) => scheme + q);
  return [
    placeOf(sql, sql`lead_id`, q),
    placeOf(sql, sql`event_type`, q),
    ...urls.map((url) => placeOf(sql, sql`webhook_url`, url)),
    ...(isUuid(q) ? [{ begins: sql`id = ${q}`, order: sql`id`, orderBack: sql`id` }] : []),
  ];
}

function placeOf(sql: Queryable, text: Fragment, prefix: string): Place {
  const end = afterPrefix(prefix);
  const upTo = end === null ? sql`` : sql`and ${text} ~<~ ${end}`;
  return {
    begins: sql`(${text} ~>=~ ${prefix} ${upTo})`,
    order: sql`${text} using ~<~`,
    orderBack: sql`${text} using ~>~`,
  };
}

function beginsAnywhere(sql: Queryable, q: string): Fragment {
  return sql`(${joined(
    sql,
    placesOf(sql, q).map(({ begins }) => begins),
    sql`or`,
  )})`;
}

function joined(sql: Queryable, parts: readonly Fragment[], by: Fragment): Fragment {
  const [first, ...others] = parts;
  if (first === undefined) throw new Error("there is no place to look in");
  return others.reduce((all, part) => sql`${all} ${by} ${part}`, first);
}
